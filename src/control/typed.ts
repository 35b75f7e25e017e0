import { withoutSteering } from '../kernel/shown-text.ts';

/**
 * How the person in front of the terminal types Daruma. Every text of the program says `daruma status`, as the docs do;
 * what a person reads goes through {@link asTyped} once, at the last moment, so that no text can be forgotten and each
 * command can be pasted as it stands.
 */
export interface Typed {
  /** `daruma`, `npx daruma`, or a path. */
  command: string;
  /** The value of `--dir`, as it was typed. */
  dir?: string;
}

/** The plain way to type Daruma: in `--json` values, in logs, and for tests. */
export const PLAIN: Typed = { command: 'daruma' };

/** The name of the variable by which a guardian's host learns how the guardian was typed. */
export const TYPED_VARIABLE = 'DARUMA_TYPED';

/** Every command of the command line, with its second words. `test/cli/typed.test.ts` compares it with the program. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  '--help': [],
  ack: [],
  mute: [],
  unmute: [],
  add: [],
  agents: [],
  alerts: ['test'],
  maintenance: ['start', 'end'],
  backup: ['list', 'now', 'verify', 'restore'],
  batch: ['list', 'show', 'cancel'],
  cancel: [],
  check: [],
  complete: [],
  completion: [],
  config: ['show', 'force', 'rollback'],
  demo: [],
  dev: [],
  diff: [],
  dlq: ['list', 'show', 'drop'],
  doctor: [],
  drill: [],
  events: [],
  health: [],
  host: [],
  incidents: [],
  init: [],
  jobs: [],
  learn: [],
  level: [],
  logs: [],
  mcp: ['allow', 'list', 'revoke'],
  new: [],
  next: [],
  open: [],
  pause: [],
  rehearse: [],
  replay: [],
  report: [],
  restart: [],
  resume: [],
  rollback: [],
  deliveries: [],
  secrets: [],
  metrics: [],
  models: [],
  run: [],
  service: ['install', 'status', 'uninstall'],
  start: [],
  state: [],
  status: [],
  stop: [],
  store: ['check', 'mend'],
  test: [],
  top: [],
  versions: [],
  why: [],
};

/** Commands that name their folder otherwise, or need none. */
const WITHOUT_DIR = new Set(['init', '--help']);
/** A line of a code frame quotes the author's file: nothing in it is ours. */
const FRAME = /^\s*>?\s*\d* \| /;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const HINT = /(^|[^\w./@-]|\u001b\[[\d;]*m)daruma ([a-z]+|--help)(?: ([a-z]+))?/g;

/**
 * The text as a person reads it: with each `daruma <command>` as it is typed here, `--dir` right after the command, and
 * without control characters for the terminal.
 */
export function asTyped(said: string, typed: Typed): string {
  const text = withoutSteering(said);
  if (!text.includes('daruma ') || (typed.command === PLAIN.command && typed.dir === undefined)) return text;
  return text
    .split('\n')
    .map((line) => (FRAME.test(line) ? line : lineAsTyped(line, typed)))
    .join('\n');
}

function lineAsTyped(line: string, { command, dir }: Typed): string {
  return line.replace(HINT, (found, before: string, first: string, second: string | undefined, at: number) => {
    const seconds = Object.hasOwn(COMMANDS, first) ? COMMANDS[first]! : undefined;
    if (!seconds || line.slice(0, at).endsWith('npx')) return found;
    const isTwoWords = second !== undefined && seconds.includes(second);
    const words = isTwoWords ? `${first} ${second}` : first;
    const rest = isTwoWords || second === undefined ? '' : ` ${second}`;
    const namesOwn = WITHOUT_DIR.has(first) || line.slice(at + found.length).startsWith(' --dir ');
    const named = dir === undefined || namesOwn ? '' : ` --dir ${shellWord(dir)}`;
    return `${before}${command} ${words}${named}${rest}`;
  });
}

/** A value as JSON text, in which the `next` of each failure is as it is typed here; nothing else is changed. */
export function jsonAsTyped(value: unknown, typed: Typed, indent?: number): string {
  return JSON.stringify(
    value,
    function (this: unknown, key, inner) {
      const { code, message } = this as { code?: unknown; message?: unknown };
      const isNext = key === 'next' && typeof inner === 'string' && typeof code === 'string';
      return isNext && typeof message === 'string' ? asTyped(inner, typed) : inner;
    },
    indent,
  );
}

/** The way that the parent process handed down; {@link PLAIN} when no parent did. */
export function typedFrom(env: Record<string, string | undefined>): Typed {
  try {
    const { command, dir } = JSON.parse(env[TYPED_VARIABLE] ?? '') as Partial<Typed>;
    if (typeof command !== 'string') return PLAIN;
    return { command, ...(typeof dir === 'string' ? { dir } : {}) };
  } catch {
    return PLAIN;
  }
}

/** A word that a shell takes as one. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
