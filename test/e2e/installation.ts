import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readHostFile } from '../../src/control/place.ts';
import { processStart } from '../../src/control/process.ts';
import { startedResult } from '../../src/operations/results/host.ts';
import { mustKeep, resultOf } from '../contract.ts';
import { HANGS_MS } from '../hangs.ts';
import { commandInside } from './command-inside.ts';

/** A question each tenth of a second is soon enough for a person, and leaves the processor to what is asked about. */
const POLL_EVERY_MS = 100;
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
  /** What stdout held; whatever shape the test expects of it. */
  json: ReturnType<typeof JSON.parse>;
}

/** A real installation in a folder of its own, with a real host process. */
export interface Installation {
  folder: string;
  write(path: string, text: string): void;
  remove(path: string): void;
  read(path: string): string;
  /**
   * Starts a guardian with its host and resolves with what the host says when it works. `guardian: false`: the host
   * alone, for tests that stop it for longer than a guardian would stand by.
   */
  start(options?: { guardian?: boolean; args?: string[] }): Promise<{ pid: number; agents: string[] }>;
  /** The host's process, whoever started it; undefined when it does not run. */
  host(): { pid: number } | undefined;
  /** The process that `start` began: the guardian, or the host without one. */
  started(): ChildProcess | undefined;
  /** What that process and its hosts wrote so far. */
  said(): { stdout: string; stderr: string };
  /** Ends guardian and host and resolves with the exit code. SIGKILL kills both, null. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /**
   * Runs the command line in the folder; `--json` is parsed, and rejects when it is not what the contract says. A command that a
   * file asks again, and each one inside `until`, may run in this process: the first time is a process of its own.
   */
  daruma(...args: string[]): Promise<Said>;
  /** Asks again each `everyMs` (default 100) until the answer holds; fails with the last answer after `withinMs`. */
  until<T>(what: () => Promise<T>, holds: (answer: T) => boolean, withinMs?: number, everyMs?: number): Promise<T>;
  /** Stops the host and removes the folder; throws when a process of it stays. */
  leave(): Promise<void>;
}

/** Commands that have run as a process of their own, in this file of tests. */
const ranAlone = new Set<string>();

/** Who runs an installation, and how. */
interface RunAs {
  /** Whose the folder is, and who runs host and commands. Default: the user of the test. */
  uid?: number;
  /** Default: the environment of the test. */
  env?: NodeJS.ProcessEnv;
  /** Arguments of node before the host's own. */
  through?: string[];
  /** The file of the command line. Default: that of the checkout. */
  main?: string;
  /** Each command is a process of its own, for tests of what a process writes. Default false. */
  alone?: boolean;
}

/** `parent`: where the folder is made; default the system's temporary folder. */
export function installation(files: Record<string, string> = {}, parent = tmpdir(), as: RunAs = {}): Installation {
  const folder = realpathSync(mkdtempSync(join(parent, 'daruma-e2e-')));
  const { uid, env = process.env, through = [], main = MAIN, alone = false } = as;
  const user = uid === undefined ? {} : { uid, gid: uid };
  const give = (path: string) => uid !== undefined && chownSync(path, uid, uid);
  let child: ChildProcess | undefined;
  let ended: Promise<number | null> = Promise.resolve(null);
  let said = '';
  let complained = '';
  let polls = 0;
  /** Another user, environment or copy can only be asked by a process of its own. */
  const isOwn = !alone && uid === undefined && env === process.env && main === MAIN;

  function write(path: string, text: string) {
    const file = join(folder, path);
    if (mkdirSync(dirname(file), { recursive: true })) give(dirname(file));
    writeFileSync(file, text);
    give(file);
  }
  give(folder);
  for (const place of ['plugins', 'agents', 'config']) {
    mkdirSync(join(folder, place));
    give(join(folder, place));
  }
  for (const [path, text] of Object.entries(files)) write(path, text);

  const place: Installation = {
    folder,
    write,
    remove: (path) => rmSync(join(folder, path), { force: true, recursive: true }),
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    host() {
      const pid = readHostFile(folder)?.pid;
      // The id may be another process's by now.
      const found = processesOf(folder).some((text) => text.startsWith(`${pid} `) && !text.startsWith(`${pid} Z`));
      return pid !== undefined && found ? { pid } : undefined;
    },
    started: () => child,
    said: () => ({ stdout: said, stderr: complained }),
    start({ guardian = true, args = [] } = {}) {
      const command = [...through, main, 'start', ...(guardian ? [] : ['--no-guardian']), ...args];
      const started = spawn(process.execPath, [...command, '--dir', folder, '--json'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        ...{ ...user, env },
      });
      child = started;
      said = '';
      complained = '';
      started.stderr!.on('data', (text) => (complained += text));
      ended = new Promise((resolve) => started.once('exit', (code) => resolve(code)));
      return new Promise((resolve, reject) => {
        started.stdout!.on('data', (text) => {
          said += text;
          if (said.includes('\n')) {
            const first = JSON.parse(said.slice(0, said.indexOf('\n')));
            if (first.error) reject(Object.assign(new Error(first.error.message), { fault: first.error }));
            else resolve(mustKeep(startedResult, first, 'daruma start'));
          }
        });
        started.once('exit', (code) => reject(new Error(`the host ended with ${code}: ${said}${complained}`)));
      });
    },
    async stop(signal = 'SIGTERM') {
      child?.kill(signal);
      const code = await ended;
      child = undefined;
      // A guardian that is killed leaves its host at work.
      for (let host = place.host(); host; host = place.host()) {
        process.kill(host.pid, 'SIGKILL');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return code;
    },
    async daruma(...args) {
      const mayBeInside = isOwn && (polls > 0 || ranAlone.has(args[0]!));
      const inside = mayBeInside ? await commandInside(folder, args) : undefined;
      if (inside) {
        const json = await mustKeep(resultOf(args, inside.code), inside.json, `daruma ${args.join(' ')}`);
        return { code: inside.code, stdout: JSON.stringify(json), stderr: inside.stderr, json };
      }
      ranAlone.add(args[0]!);
      return new Promise((resolve) => {
        execFile(
          process.execPath,
          [main, ...args],
          { cwd: folder, maxBuffer: 64 * 1024 ** 2, env: { ...env, NO_COLOR: '1' }, ...user },
          (error, stdout, stderr) => {
            const code = error ? Number((error as { code?: unknown }).code ?? 1) : 0;
            const said = { code, stdout, stderr, json: undefined };
            if (!args.includes('--json')) return resolve(said);
            const json = JSON.parse(stdout || 'null');
            resolve(
              mustKeep(json && resultOf(args, code), json, `daruma ${args.join(' ')}`).then(() => ({ ...said, json })),
            );
          },
        );
      });
    },
    async until(what, holds, withinMs = HANGS_MS, everyMs = POLL_EVERY_MS) {
      const deadline = performance.now() + withinMs;
      for (;;) {
        polls++;
        const answer = await what().finally(() => polls--);
        if (holds(answer)) return answer;
        if (performance.now() > deadline)
          throw new Error(`it did not come true within ${withinMs} ms: ${JSON.stringify(answer).slice(0, 2_000)}`);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    },
    async leave() {
      await place.stop();
      // The children of a host that a test killed end by themselves, a moment after it.
      const deadline = performance.now() + HANGS_MS;
      let left = processesOf(folder);
      for (; left.length > 0 && performance.now() < deadline; left = processesOf(folder))
        await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
      rmSync(folder, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`processes are left: ${left.join(', ')}`);
    },
  };
  return place;
}

/** Processes that work in the folder or name it on their command line. */
export function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const state = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]![0];
        const cwd = realpathSync(`/proc/${pid}/cwd`);
        return command.includes(folder) || cwd.startsWith(folder) ? [`${pid} ${state} ${command}`] : [];
      } catch {
        return [];
      }
    });
}

/** A plugin that does what `body` says. */
export const plugin = (body: string, options = '') => `import { definePlugin, GiveUp, RetryLater, z } from 'daruma';
void [GiveUp, RetryLater, z];
export default definePlugin({
  about: 'A plugin of a test.',
  ${options}
  async run(context) { ${body} },
});
`;

/** Whether a process of that id is there and alive. */
export const isRunning = (pid: number) => processStart(pid) !== undefined;
