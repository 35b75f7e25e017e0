import { z } from 'zod';
import type { Op, Ops } from '../../control/protocol.ts';
import { BOUNDS, type Bounds, shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { readInstant } from '../../kernel/instant.ts';
import { suggest } from '../../kernel/suggest.ts';
import { readCount, type Wrong } from '../../kernel/units.ts';
import type { OpCall, OpTable } from './control-server.ts';

/** For every argument that the protocol knows, and for no other, how it is read. */
type Shape<Args> = { [Name in keyof Args]-?: z.ZodType<Args[Name]> };

const count = (bounds: Bounds) => z.custom<number>().superRefine(asIssue((said) => readCount(said, bounds)));
const instant = () => z.custom<string>().superRefine(asIssue(readInstant));
const text = (longest: number) => z.custom<string>().superRefine(asIssue((said) => readText(said, longest)));
const payload = () => z.unknown().superRefine(asIssue(readPayload)).optional();
const flag = () => z.boolean({ error: 'is neither true nor false' }).optional();

/** Names of agents, plugins, keys; ids. Nobody gives longer ones, and they are repeated in messages and logs. */
const name = () => text(200);
const state = z.enum(['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'], { error: 'is no state of a job' });
const states = () => z.array(state, { error: 'is no list of states' }).min(1).max(6).optional();

const SHAPES: { [O in Op]: Shape<Ops[O]['args']> } = {
  ping: {},
  secrets: {},
  status: { agent: name().optional() },
  jobs: {
    agent: name().optional(),
    states: states(),
    since: instant().optional(),
    cause: name().optional(),
    before: name().optional(),
    limit: count(BOUNDS.rows).optional(),
    drills: flag(),
  },
  job: { id: name(), wait: flag() },
  run: {
    agent: name(),
    input: payload(),
    wait: flag(),
    key: name().optional(),
    priority: count(BOUNDS.priority).optional(),
    attempts: count(BOUNDS.attempts).optional(),
  },
  cancel: { id: name() },
  why: { agent: name(), at: instant().optional() },
  next: { agent: name(), n: count(BOUNDS.times).optional() },
  slots: { agent: name().optional(), from: instant(), to: instant() },
  dlq: { drills: flag() },
  cancelMany: { agent: name().optional(), cause: name().optional(), states: states(), dryRun: flag() },
  replay: {
    id: name().optional(),
    cause: name().optional(),
    agent: name().optional(),
    states: states(),
    dryRun: flag(),
  },
  drop: { id: name().optional(), cause: name().optional(), agent: name().optional(), dryRun: flag() },
  incidents: {
    agent: name().optional(),
    open: flag(),
    since: instant().optional(),
    limit: count(BOUNDS.rows).optional(),
    drills: flag(),
  },
  incident: { id: name() },
  ack: { id: name(), note: text(10_000).optional() },
  pause: { agent: name(), forMs: count(BOUNDS.pause).optional() },
  resume: { agent: name() },
  versions: { plugin: name() },
  sources: { plugin: name(), version: name() },
  rollback: { agent: name(), version: name().optional(), force: flag(), latest: flag() },
  rehearse: {
    name: name(),
    last: count(BOUNDS.rehearsed).optional(),
    file: text(4_096).optional(),
    against: name().optional(),
    live: flag(),
  },
  stateSizes: {},
  state: { agent: name(), key: name().optional() },
  stateSet: { agent: name(), key: name(), value: payload() },
  stateMove: { from: name(), to: name() },
  storeMend: {},
  level: { agent: name(), level: name() },
  check: {},
  configShow: { agent: name().optional() },
  configRollback: {},
  configForce: {},
  follow: { agent: name().optional(), job: name().optional(), level: name().optional() },
  drill: { names: z.array(name(), { error: 'is no list of names' }).max(100).optional() },
  changes: {},
  stop: {},
};

const SCHEMAS = Object.fromEntries(
  Object.entries(SHAPES).map(([op, shape]) => [op, z.strictObject(shape as Record<string, z.ZodType>)]),
) as unknown as Record<Op, z.ZodType>;

/**
 * The arguments of an op as its client sent them, checked: nothing in the host has to ask again. Throws a `Fault`
 * `ARGS_INVALID` that names the argument and says what is wrong with it. No arguments count as an empty object.
 */
export function readArgs<O extends Op>(op: O, args: unknown): Ops[O]['args'] {
  const given = args ?? {};
  const read = SCHEMAS[op].safeParse(given);
  if (read.success) return read.data as Ops[O]['args'];
  const [issue] = read.error.issues;
  throw new Fault({ code: 'ARGS_INVALID', message: `${op}: ${wordsOf(op, issue!, given)}`, next: 'daruma --help' });
}

/** Every op gets arguments that were read, whoever calls it. */
export function withReadArgs(table: OpTable): OpTable {
  const ops = Object.entries(table) as [Op, (args: never, call: OpCall) => Promise<unknown>][];
  return Object.fromEntries(
    ops.map(([op, answer]) => [op, async (args: unknown, call: OpCall) => answer(readArgs(op, args) as never, call)]),
  ) as unknown as OpTable;
}

function wordsOf(op: Op, issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys;
    const meant = suggest(unknown!, Object.keys(SHAPES[op]));
    return `there is no argument ${shown(unknown)}${meant ? `, did you mean ${meant}?` : ''}`;
  }
  const [key] = issue.path;
  if (key === undefined) return `its arguments are an object, and not ${shown(given)}`;
  const value = issue.path.reduce((inner, part) => (inner as Record<PropertyKey, unknown>)?.[part], given);
  return value === undefined ? `${String(key)} is missing` : `${String(key)} ${shown(value)} ${issue.message}`;
}

function asIssue(read: (said: unknown) => unknown) {
  return (said: unknown, context: { addIssue(issue: { code: 'custom'; message: string }): void }) => {
    const value = read(said);
    if (typeof value === 'string') context.addIssue({ code: 'custom', message: value });
  };
}

function readText(said: unknown, longest: number): Wrong | undefined {
  if (typeof said === 'string' && said !== '' && said.length <= longest) return undefined;
  return `is no text of 1–${longest} characters`;
}

/** An input from the command line may be as long as one that a plugin sends. */
function readPayload(said: unknown): Wrong | undefined {
  const { most } = BOUNDS.payload;
  try {
    const { length } = JSON.stringify(said) ?? '';
    return length <= most ? undefined : `is ${length} characters of JSON; the most is ${most}`;
  } catch {
    return 'is nested too deeply';
  }
}
