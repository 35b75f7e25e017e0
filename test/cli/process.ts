import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mustKeep, resultOf } from '../contract.ts';
import { HANGS_MS } from '../hangs.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** A bound for what hangs: a command may start vitest, on a machine that has much else to do. */

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
  /** Resolves as soon as what was written holds the text; rejects when it ends before. */
  says(text: string): Promise<void>;
}

export interface CliOptions {
  cwd: string;
  env?: Record<string, string>;
  /** The file that Node runs, instead of `dist/main.js`: a link to it. */
  main?: string;
}

/** Starts the command line as its user would, in a zone that tests can rely on. */
export function startCli(args: string[], options: CliOptions): Running {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const child = spawn(process.execPath, [options.main ?? MAIN, ...args], {
    cwd: options.cwd,
    env: { ...env, TZ: 'Europe/Berlin', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const waiting = new Set<() => void>();
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    for (const look of waiting) look();
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    for (const look of waiting) look();
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), HANGS_MS);
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      clearTimeout(deadline);
      resolve({ code, out, err });
      for (const look of waiting) look();
    });
  });
  return {
    child,
    ended,
    says: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = out.includes(text) || err.includes(text);
          if (!found && child.exitCode === null && child.signalCode === null) return;
          waiting.delete(look);
          if (found) resolve();
          else reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${out}\n${err}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Rejects when what `--json` prints is not what the contract says. */
export async function cli(args: string[], options: CliOptions): Promise<Ended> {
  const ended = await startCli(args, options).ended;
  const text = args.includes('--json') ? ended.out.trim() : '';
  if (text) await mustKeep(resultOf(args, ended.code), JSON.parse(text), `daruma ${args.join(' ')}`);
  return ended;
}
