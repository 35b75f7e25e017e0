import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { readSize } from '../../kernel/units.ts';
import type { Context, ExecOptions, ExecResult } from '../../plugin/context.ts';
import type { BareCall } from '../wire.ts';
import type { Ask } from './effects.ts';
import { invalid, lengthOf, optionsOf, valueRead } from './options.ts';

/** Input and output of a command are held in memory by each process on the way to the broker and back. */
const LONGEST_INPUT = 8 * MB;
/** The longest single argument of Linux; all arguments together may have as much as Linux always has room for. */
const LONGEST_ARGUMENT = 128 * 1024 - 1;
const LONGEST_ARGUMENTS = MB;
const MOST_ARGUMENTS = 100_000;
const LAST_LINES = 10;

const EXEC_OPTIONS = ['input', 'timeout', 'env', 'cwd', 'maxOutput', 'check'] as const;

type ExecCall = Extract<BareCall, { ask: 'exec' }>;

/** `exec` of one attempt. The abort of its signal kills what runs; the promise then rejects with the signal's reason. */
export function createContextExec(ask: Ask, signal: () => AbortSignal): Context['exec'] {
  let lastCall = 0;

  return async (command, args = [], given = {}) => {
    const options = optionsOf(given, EXEC_OPTIONS, 'exec') as ExecOptions;
    const aborted = signal();
    aborted.throwIfAborted();
    const call = callOf(++lastCall, command, args, options);
    // The attempt may have ended meanwhile, and has no command to stop any more.
    const stop = () =>
      void Promise.resolve({ ask: 'stopExec', call: call.call } as const)
        .then(ask)
        .catch(() => {});
    aborted.addEventListener('abort', stop, { once: true });
    let result: ExecResult;
    try {
      result = (await ask(call)) as ExecResult;
    } catch (error) {
      throw aborted.aborted ? aborted.reason : error;
    } finally {
      aborted.removeEventListener('abort', stop);
    }
    if (result.code !== 0 && options.check !== false) throw failed(command, args, result);
    return result;
  };
}

function callOf(call: number, command: unknown, args: unknown, options: ExecOptions): ExecCall {
  if (typeof command !== 'string' || command === '' || command.includes('\0')) throw invalid('a command is a text');
  if (!Array.isArray(args))
    throw invalid('the arguments of a command are an array of texts; there is no shell to split them');
  if (args.length > MOST_ARGUMENTS) throw tooLarge(`what ${command} is called with`, 'at most 100,000 arguments');
  let length = 0;
  for (const [index, arg] of args.entries()) {
    if (typeof arg !== 'string' || arg.includes('\0')) throw invalid(`argument ${index} of ${command} is not a text`);
    const bytes = Buffer.byteLength(arg);
    if (bytes > LONGEST_ARGUMENT) throw tooLarge(`argument ${index} of ${command}`, 'at most 128 KB');
    length += bytes;
  }
  if (length > LONGEST_ARGUMENTS) throw tooLarge(`what ${command} is called with`, 'at most 1 MB of arguments');
  const asked: ExecCall = { ask: 'exec', call, command, args };
  const { input, timeout, env, cwd, maxOutput } = options;
  if (input !== undefined) {
    if (typeof input !== 'string') throw invalid(`the input of ${command} is not a text`);
    if (input.length > LONGEST_INPUT) throw tooLarge(`the input of ${command}`, 'at most 8 MB');
    asked.input = input;
  }
  if (timeout !== undefined) asked.timeoutMs = lengthOf(timeout, BOUNDS.timer, 'timeout');
  if (maxOutput !== undefined) {
    asked.maxOutputBytes = valueRead(readSize(maxOutput, BOUNDS.output), 'maxOutput', maxOutput);
  }
  if (env !== undefined) asked.env = envOf(env as unknown);
  if (cwd !== undefined) {
    if (typeof cwd !== 'string' || cwd === '' || cwd.includes('\0')) throw invalid('cwd is the path of a folder');
    asked.cwd = cwd;
  }
  return asked;
}

function envOf(env: unknown): Record<string, string> {
  if (typeof env !== 'object' || env === null) throw invalid('env: names with texts are expected');
  const given: [string, string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    // The loader's variables run code before the command; the mark is how its processes are found again.
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name.startsWith('LD_') || name.startsWith('DARUMA_')) {
      throw invalid(`env: ${name} cannot be set for a command`);
    }
    if (typeof value !== 'string' || value.includes('\0')) throw invalid(`env: ${name} is not a text`);
    given.push([name, value]);
  }
  return Object.fromEntries(given);
}

function failed(command: string, args: string[], { code, signal, stdout, stderr }: ExecResult): Fault {
  const name = [command, ...args.slice(0, 1)].join(' ').slice(0, 80);
  const last = lastLines(stderr);
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  return new Fault({
    code: 'EXEC_FAILED',
    message: `${name} ${how}${last ? `: ${last}` : ''}`,
    data: { code, signal, stdout: lastLines(stdout), stderr: last },
  });
}

function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-LAST_LINES).join('\n').slice(-2_000);
}

function tooLarge(what: string, most: string): Fault {
  const next = 'write it to a file and hand over its path';
  return new Fault({ code: 'TOO_LARGE', message: `${what} is too long: ${most}`, next });
}
