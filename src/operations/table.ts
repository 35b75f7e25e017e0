import { safeParse, type z } from 'zod';
import { shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { suggest } from '../kernel/suggest.ts';
import { AGENT_OPERATIONS } from './agent-operations.ts';
import { ALERT_OPERATIONS } from './alert-operations.ts';
import { ASSISTANT_OPERATIONS } from './assistant-operations.ts';
import { BATCH_OPERATIONS } from './batch-operations.ts';
import { HOST_OPERATIONS } from './host-operations.ts';
import { JOB_OPERATIONS } from './job-operations.ts';

/**
 * Every operation that a host answers. The control socket reads arguments by this table, and the types of clients and
 * of the host, docs/operations.md, docs/daruma.schema.json and the options of commands come from it. Fields of
 * results are added, never renamed.
 */
export const OPERATIONS = {
  ...AGENT_OPERATIONS,
  ...JOB_OPERATIONS,
  ...BATCH_OPERATIONS,
  ...ALERT_OPERATIONS,
  ...HOST_OPERATIONS,
  ...ASSISTANT_OPERATIONS,
};

type Table = typeof OPERATIONS;
type Load = () => Promise<z.ZodType>;
type Loaded<L extends Load> = z.output<Awaited<ReturnType<L>>>;

/** The name of an operation. */
export type Op = keyof Table;

/** For each operation: `args` as its client gives them, `read` as the host gets them, with defaults; `item` and `value` as they come back. */
export type Ops = {
  [O in Op]: {
    args: z.input<Table[O]['args']>;
    read: z.output<Table[O]['args']>;
    value: Loaded<Table[O]['result']>;
    item: Table[O] extends { item: infer Item extends Load } ? Loaded<Item> : never;
  };
};

/**
 * The arguments of an operation as its client sent them, checked and with their defaults: no handler checks them
 * again. Throws a `Fault` `ARGS_INVALID` that names the argument, its value or the kind of it, and what the operation
 * takes. No arguments count as an empty object.
 */
export function readArgs<O extends Op>(op: O, args: unknown): Ops[O]['read'] {
  const given = args ?? {};
  const schema: z.ZodObject = OPERATIONS[op].args;
  const read = schema.safeParse(given);
  if (read.success) return read.data as Ops[O]['read'];
  const [issue] = read.error.issues;
  throw new Fault({
    code: 'ARGS_INVALID',
    message: `${op}: ${wordsOf(schema, issue!, given)}`,
    next: `${op} takes ${takenBy(schema)}: docs/operations.md`,
  });
}

function wordsOf({ shape }: z.ZodObject, issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    const [unknown] = issue.keys;
    const meant = suggest(unknown!, Object.keys(shape));
    return `there is no argument ${shown(unknown)}${meant ? `, did you mean ${meant}?` : ''}`;
  }
  const [key] = issue.path;
  if (key === undefined) return `its arguments are an object, and not ${shown(given)}`;
  const value = issue.path.reduce((inner, part) => (inner as Record<PropertyKey, unknown>)?.[part], given);
  return value === undefined ? `${String(key)} is missing` : `${String(key)} ${shown(value)} ${issue.message}`;
}

/** `{ agent, forMs? }`. */
function takenBy({ shape }: z.ZodObject): string {
  const names = Object.entries(shape).map(([name, field]) => (mayBeLeftOut(field) ? `${name}?` : name));
  return names.length === 0 ? 'no arguments' : `{ ${names.join(', ')} }`;
}

function mayBeLeftOut(field: z.core.$ZodType): boolean {
  return safeParse(field, undefined).success;
}
