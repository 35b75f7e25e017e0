import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { openFrameChannel } from '../../kernel/frames.ts';
import { entryFile } from '../../kernel/paths.ts';
import { LENT_ZOD_FILE } from '../../kernel/plugin-modules.ts';
import { machineTime } from '../../kernel/time.ts';
import { type FromInside, type InspectRequest, LOAD_BOUNDS, type LoadFinding, REFUSALS } from './messages.ts';

/** What the builder saw of one load. `late`: longer than it may · `died`: its whole process. */
export type LoadOutcome =
  | { is: 'found'; found: FromInside }
  | Exclude<LoadFinding, { is: 'found' }>
  | { is: 'late' }
  | { is: 'died'; how: string; stderr: string };

/** The load processes of a builder: each is used for one plugin, and one that is not yet anybody's stands ready. */
export interface LoadProcesses {
  /** Starts the spare. */
  warm(): void;
  load(ask: InspectRequest): Promise<LoadOutcome>;
  /** Kills all of them. */
  close(): void;
}

const LOADER = fileURLToPath(entryFile('catalog/builder/loader.js'));
const FLAGS = [
  '--no-warnings',
  '--disable-sigusr1',
  '--no-experimental-sqlite',
  // The thread gets flags of its own; the plugin's code in it may start no other.
  '--permission',
  '--allow-worker',
  `--allow-fs-read=${LOADER}`,
  `--allow-fs-read=${fileURLToPath(LENT_ZOD_FILE)}`,
];
const STDERR_KEPT = 2_000;

export function createLoadProcesses(): LoadProcesses {
  let spare: LoadProcess | undefined;
  const busy = new Set<LoadProcess>();

  function taken(): LoadProcess {
    const ready = spare?.isAlive() ? spare : openLoadProcess();
    spare = undefined;
    return ready;
  }

  return {
    warm() {
      if (!spare?.isAlive()) spare = openLoadProcess();
    },
    async load(ask) {
      const process = taken();
      busy.add(process);
      // The next one starts while this one works: nobody waits for a process.
      spare = openLoadProcess();
      try {
        return await process.load(ask);
      } finally {
        busy.delete(process);
      }
    },
    close() {
      for (const process of [...busy, ...(spare ? [spare] : [])]) process.kill();
    },
  };
}

interface LoadProcess {
  isAlive(): boolean;
  kill(): void;
  load(ask: InspectRequest): Promise<LoadOutcome>;
}

function openLoadProcess(): LoadProcess {
  const key = randomUUID();
  const child = spawn(process.execPath, [...FLAGS, LOADER], { env: {}, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const { promise, resolve } = Promise.withResolvers<LoadOutcome>();
  const channel = openFrameChannel(
    child.stdio[3] as Socket,
    { receive: (messages) => settle(outcomeIn(messages, key)), broken: () => settle({ is: 'forged' }) },
    LOAD_BOUNDS,
  );
  let stderr = '';
  let cancel = () => {};
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  child.once('close', (code, signal) => settle({ is: 'died', how: signal ?? `exit code ${code}`, stderr }));
  child.on('error', (error) => settle({ is: 'died', how: error.message, stderr }));

  /** The first outcome counts, and ends the process. */
  function settle(outcome: LoadOutcome) {
    cancel();
    resolve(outcome);
    child.kill('SIGKILL');
  }

  return {
    isAlive: () => isAlive(child),
    kill: () => void child.kill('SIGKILL'),
    load({ bundle, reads, settings, withinMs }) {
      cancel = machineTime.after(withinMs, () => settle({ is: 'late' }));
      channel.send([{ key, bundle, reads, settings }]);
      return promise;
    },
  };
}

function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** A frame that does not carry the key was written by the plugin. */
function outcomeIn(messages: unknown, key: string): LoadOutcome {
  const [message] = Array.isArray(messages) ? (messages as unknown[]) : [];
  const { key: said, finding } = (message ?? {}) as { key?: unknown; finding?: LoadFinding };
  if (said !== key || typeof finding !== 'object' || finding === null) return { is: 'forged' };
  if (finding.is !== 'found') return finding;
  const found = answerOf(finding.found);
  return found ? { is: 'found', found } : { is: 'forged' };
}

/** What a thread said, when it has the shape of an answer: the plugin's own values are checked by those who use them. */
function answerOf(said: unknown): FromInside | undefined {
  if (!isRecord(said)) return undefined;
  const { ok, manifest, issues, because, name, message, stack } = said;
  if (ok === true) return isRecord(manifest) && isIssues(issues) ? (said as FromInside) : undefined;
  const isText = [name, message, stack].every((text) => typeof text === 'string');
  return ok === false && isText && REFUSALS.some((one) => one === because) ? (said as FromInside) : undefined;
}

function isIssues(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (list) =>
        Array.isArray(list) &&
        list.every((issue) => isRecord(issue) && typeof issue.message === 'string' && Array.isArray(issue.path)),
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
