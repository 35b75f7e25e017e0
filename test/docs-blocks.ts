import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { z } from 'zod';
import { agentFileSchema } from '../src/catalog/files/agent-file.ts';
import { hostSettingsSchema } from '../src/catalog/files/host-settings.ts';
import { buildProgram } from '../src/cli/program.ts';
import { OPERATIONS, type Op } from '../src/operations/table.ts';
import type { PluginDefinition } from '../src/plugin/define.ts';
import { isHostTopic } from '../src/plugin/host-events.ts';
import { resultOf } from './contract.ts';

const ROOT = join(import.meta.dirname, '..');

/** A fenced block of a page. */
export interface Block {
  kind: string;
  code: string;
  /** The comment in the line before: `from <file>`, `printed by: <command>`, `for <another program>`. */
  said: string;
  line: number;
}

export function blocksOf(text: string): Block[] {
  const found = text.matchAll(/^(?:<!-- (.+) -->\n)?```(\S*)\n([\s\S]*?)^```$/gm);
  return [...found].map((match) => {
    const [, said = '', kind, code] = match;
    return { kind: kind!, code: code!, said, line: text.slice(0, match.index).split('\n').length };
  });
}

const KINDS: Readonly<Record<string, (block: Block) => string[] | Promise<string[]>>> = {
  ts: quoteProblems,
  yaml: yamlProblems,
  json: jsonProblems,
  sh: ({ code }) => problemsOfLines(code.split('\n')),
  console: consoleProblems,
  text: ({ said, code }) =>
    said.startsWith('printed by: ')
      ? titleProblems(code)
      : ['say what printed it: <!-- printed by: daruma status --> in the line before'],
  // The page is printed from the code, and a test of its own compares the two.
  mermaid: () => [],
  // Files of other programs, which no test here has.
  ...Object.fromEntries(['caddy', 'nginx', 'ini', 'dockerfile'].map((kind) => [kind, bracketProblems])),
};

/** The reasons why a block cannot be what it says it is. */
export async function problemsOf(block: Block): Promise<string[]> {
  const check = KINDS[block.kind];
  if (!check) return [`a block of no kind: write \`\`\` and one of ${Object.keys(KINDS).join(', ')}`];
  return check(block);
}

/** Code is quoted from a file that is compiled and tested; `…` stands for lines that are left out. */
function quoteProblems({ said, code }: Block): string[] {
  const file = /^from (\S+)$/.exec(said)?.[1];
  if (!file || !existsSync(join(ROOT, file)))
    return ['quote it from a file that a test runs: <!-- from test/plugins/examples/x.ts --> in the line before'];
  const lines = (text: string) => text.split('\n').map((line) => line.trim());
  let rest = lines(readFileSync(join(ROOT, file), 'utf8')).join('\n');
  for (const piece of lines(code.trimEnd()).join('\n').split('\n…\n')) {
    if (!rest.includes(piece)) return [`${file} does not have it: ${piece.slice(0, 60)}`];
    rest = rest.slice(rest.indexOf(piece) + piece.length);
  }
  return [];
}

/** An agent file, a part of one, or a part of config/daruma.yaml; settings fit the plugin where that is one of ours. */
async function yamlProblems({ said, code }: Block): Promise<string[]> {
  const value: unknown = parse(code);
  if (said.startsWith('for ')) return [];
  const agentFile = agentFileSchema.partial().safeParse(value);
  const tried = [agentFile, hostSettingsSchema.safeParse(value)];
  if (!tried.some(({ success }) => success)) return tried.map(({ error }) => error!.message);
  const { plugin, settings } = agentFile.data ?? {};
  const file = PLUGINS.map((folder) => join(ROOT, folder, `${plugin}.ts`)).find((path) => existsSync(path));
  if (!file || settings === undefined) return [];
  const { default: known } = (await import(file)) as { default: PluginDefinition };
  const { error } = known.settings!.safeParse(settings);
  return error ? [`settings of ${plugin}: ${error.message}`] : [];
}

/** Folders with plugins of which the guide tells. */
const PLUGINS = ['plugins', 'docs/recipes', 'test/plugins/examples'];

/**
 * A value, or a value in each line; `, …` stands for what is left out. The comment before says what it is: a file of another program, an
 * event of the host, requests and answers of operations, or what a command prints.
 */
async function jsonProblems({ code, said }: Block): Promise<string[]> {
  const isLeftOut = /, …(?= ?[}\]])/.test(code);
  const whole = code.replaceAll(/, …(?= ?[}\]])/g, '').trimEnd();
  const values = [whole, ...whole.split('\n')].map(jsonOf);
  const [one, ...lines] = values;
  const wrong = whole.split('\n').filter((_, at) => lines[at] === undefined);
  if (one === undefined && wrong.length > 0) return wrong.map((line) => `is no JSON: ${line}`);
  if (said.startsWith('for ')) return [];
  if (said === 'an event of the host') return hostEventProblems(one!.value);
  if (said === 'requests and answers')
    return requestProblems(one ? [one.value] : lines.map((line) => line!.value), isLeftOut);
  const words = /^printed by: daruma (.+)$/.exec(said)?.[1]?.split(' ');
  const schema = words && resultOf(words, 0);
  if (schema) return misfits(schema, one?.value, isLeftOut);
  return ['say what it is in the line before: <!-- printed by: daruma status --json -->, <!-- for another program -->'];
}

function jsonOf(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The places where the value is not what the schema says; `isLeftOut`: fields may lack. */
function misfits(schema: z.ZodType, value: unknown, isLeftOut: boolean): string[] {
  const { error } = schema.safeParse(value);
  const problems = (error?.issues ?? []).filter((one) => !isLeftOut || !isMissing(one, value));
  return problems.map(({ path, message }) => `${path.join('.') || 'the value'}: ${message}`);
}

function isMissing({ path }: z.core.$ZodIssue, value: unknown): boolean {
  return (
    path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value) === undefined
  );
}

/** Each request fits the arguments of its operation, each answer the result of the request with its id. */
async function requestProblems(values: readonly unknown[], isLeftOut: boolean): Promise<string[]> {
  const ops = new Map<unknown, Op>();
  const problems = values.map(async (value) => {
    const { id, op, args, ok, value: answer } = value as Record<string, unknown>;
    if (typeof op === 'string') {
      if (!Object.hasOwn(OPERATIONS, op)) return [`there is no operation ${op}`];
      ops.set(id, op as Op);
      return misfits(OPERATIONS[op as Op].args, args, isLeftOut);
    }
    const asked = ops.get(id);
    if (!asked || ok !== true) return ['answers no request of the block'];
    return misfits(await OPERATIONS[asked].result(), answer, isLeftOut);
  });
  return (await Promise.all(problems)).flat();
}

const EVENT_FIELDS = ['topic', 'from', 'id', 'at', 'agent', 'message', 'data'];

/** The fields of an event, and those of its data as the table of docs/events.md names them. */
function hostEventProblems(value: unknown): string[] {
  const event = value as { topic: string; data: object };
  if (!isHostTopic(event.topic)) return [`the host has no topic ${event.topic}`];
  const row = new RegExp(`^\\| \`${event.topic}\` \\|[^|]*\\|([^|]*)\\|$`, 'm').exec(
    readFileSync(join(ROOT, 'docs/events.md'), 'utf8'),
  );
  const named = [...(row?.[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const differ = (of: string, have: string[], want: string[]) =>
    have.toSorted().join() === want.toSorted().join()
      ? []
      : [`${of} has ${have.join(', ')}, and not ${want.join(', ')}`];
  return [
    ...differ('the event', Object.keys(event), EVENT_FIELDS),
    ...differ('its data', Object.keys(event.data), named),
  ];
}

/** Commands behind `$ `, and the hints (`→ daruma …`) in what they print. */
async function consoleProblems({ code }: Block): Promise<string[]> {
  const lines = code.split('\n');
  if (!lines[0]!.startsWith('$ ')) return ['begins with no command: $ daruma status'];
  const commands = lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
  // A mistake that the page shows is printed with ✗ in the line behind it.
  const right = commands.filter((command) => !/^✗ (unknown|--)/.test(lines[lines.indexOf(`$ ${command}`) + 1] ?? ''));
  return [...(await problemsOfLines(right)), ...titleProblems(code)];
}

const TITLES = new Set(
  globSync('src/cli/**/*.ts', { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/'([A-Z0-9][A-Z0-9 ]+):?'/g)].map(([, title]) => title!),
  ),
);

/** The titles of a table that is quoted are those of a table that a command prints. */
function titleProblems(code: string): string[] {
  const heads = code.split('\n').filter((line) => /^ *[A-Z][A-Z0-9 ]*( {2,}[A-Z0-9][A-Z0-9 ]*)+$/.test(line));
  const titles = heads.flatMap((line) => line.trim().split(/ {2,}/));
  return titles.filter((title) => !TITLES.has(title)).map((title) => `no command prints a table with ${title}`);
}

function bracketProblems({ code }: Block): string[] {
  const count = (sign: string) => code.split(sign).length;
  return count('{') === count('}') ? [] : ['brackets are not closed'];
}

async function problemsOfLines(lines: string[]): Promise<string[]> {
  const problems = await Promise.all(commandsIn(lines.join('\n')).map(problemOfCommand));
  return problems.filter((problem) => problem !== undefined);
}

/** The words behind each `daruma`, as a shell splits them. */
export function commandsIn(code: string): string[][] {
  const joined = code
    .replaceAll(/\\\n/g, ' ')
    .replaceAll(/\$\(([^)]*)\)/g, '\n$1\n')
    .replaceAll(/<\(([^)]*)\)/g, '\n$1\n');
  return joined.split('\n').flatMap((line) =>
    line
      .replace(/(^|\s)#.*$/, '')
      .split(/&&|\|\|?|;|&(?!\S)/)
      .map((part) => [...part.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)].map((word) => word[1] ?? word[2] ?? word[0]))
      // An image, or a container, may have the name as well.
      .map((words) => (words[0] === 'docker' && words[1] === 'exec' ? words.slice(3) : words))
      .filter(([program]) => program !== 'docker')
      .map((words) => words.slice(words.findIndex((word) => /(^|\/)daruma$/.test(word))))
      .filter(([first]) => first !== undefined && /(^|\/)daruma$/.test(first))
      .map(([, ...args]) => args.filter((word) => !/^\d?[<>]/.test(word))),
  );
}

/** Runs nothing: the command line only reads the words by its table of commands and options. */
export async function problemOfCommand(args: string[]): Promise<string | undefined> {
  try {
    await buildProgram(async () => {}, true).parseAsync(args, { from: 'user' });
    return undefined;
  } catch (thrown) {
    const { code, message } = thrown as { code?: string; message: string };
    const isAsked = code === 'commander.helpDisplayed' || code === 'commander.version';
    return isAsked ? undefined : `daruma ${args.join(' ')}: ${message}`;
  }
}
