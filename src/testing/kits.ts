import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBuilder } from '../catalog/builder/client.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Assignment } from '../jobs/model.ts';
import { silentLog } from '../kernel/log.ts';
import { machineTime, type Time } from '../kernel/time.ts';
import { openSandbox, type SandboxAttempt, type SandboxRun } from '../sandbox/sandbox.ts';
import { openTestedAgents, type TestedAgents } from './tested-agents.ts';

/** An attempt that a test asks for. */
interface TestAttempt extends Pick<SandboxAttempt, 'rehearsal' | 'answer' | 'stop'> {
  agent: Agent;
  secrets: Record<string, string>;
  job: Pick<Assignment, 'attempt' | 'trigger' | 'slot' | 'input'>;
}

/** A builder and a sandbox that are warm, shared by all runs of a test file. */
export interface TestKit {
  readonly agents: TestedAgents;
  /** A new, empty folder. */
  folder(): string;
  /** Runs an attempt; resolves when its worker is gone. */
  run(attempt: TestAttempt): Promise<SandboxRun>;
  close(): Promise<void>;
  /** Leaves nothing behind, at once: for a process that ends. */
  drop(): void;
}

async function openKit(installation: string, time: Time): Promise<TestKit> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-testing-')));
  const emptyFolder = join(root, 'empty');
  for (const name of ['empty', 'versions', 'folders']) mkdirSync(join(root, name));
  let lastJob = 0;
  let lastFolder = 0;

  const builder = createBuilder(
    { time, log: silentLog },
    { emptyFolder, writes: [join(root, 'versions')], compileMs: 20_000, inspectMs: 5_000, warmMs: 10_000, parallel: 2 },
  );
  const agents = await openTestedAgents({ time, builder, versionsFolder: join(root, 'versions') });
  const sandbox = await openSandbox(time, {
    folder: installation,
    emptyFolder,
    codeFolders: [join(root, 'versions')],
  });

  return {
    agents,
    run({ agent, rehearsal, secrets, job, answer, stop }) {
      const { name, limits } = agent;
      const now = time.now();
      const id = `job-${++lastJob}`;
      const assignment = { job: id, agent: name, attempts: limits.attempts, queuedAt: now, runAt: now, ...job };
      return sandbox.run({ agent, assignment, rehearsal, secrets: () => secrets, answer, stop, level: 'debug' });
    },
    folder() {
      const folder = join(root, 'folders', String(++lastFolder));
      mkdirSync(folder);
      return folder;
    },
    async close() {
      await Promise.all([sandbox.close(), builder.stop()]);
      rmSync(root, { recursive: true, force: true });
    },
    drop() {
      for (const pid of [builder.pid(), ...sandbox.pids()]) {
        try {
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
        } catch {
          // The process was quicker.
        }
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Idle kits are closed after this long, so that a script that only runs a plugin comes to its end. */
const IDLE_MS = 2_000;

interface Shared {
  kit: Promise<TestKit>;
  users: number;
  cancelIdle: () => void;
}

const kits = new Map<string, Shared>();
/** The kits that are open, for the end of the process. */
const open = new Set<TestKit>();
let watchesExit = false;

/** Lends the kit of an installation: the first use opens it, all others share it. */
export async function withKit<T>(installation: string, use: (kit: TestKit) => Promise<T>): Promise<T> {
  const shared = kits.get(installation) ?? start(installation);
  shared.users += 1;
  shared.cancelIdle();
  try {
    return await use(await shared.kit);
  } finally {
    shared.users -= 1;
    if (shared.users === 0) shared.cancelIdle = machineTime.after(IDLE_MS, () => void end(installation, shared));
  }
}

/**
 * Ends all cells and processes of the test kit, and removes its folders. The next run opens new ones. Needed only where
 * a runner ends its workers unheard: in vitest with `pool: 'threads'`, whose folder would stay in the temporary folder.
 */
export async function close(): Promise<void> {
  await Promise.all([...kits].map(([installation, shared]) => end(installation, shared)));
}

function start(installation: string): Shared {
  const kit = openKit(installation, machineTime);
  const shared = { kit, users: 0, cancelIdle() {} };
  kits.set(installation, shared);
  kit.then(
    (one) => open.add(one),
    () => kits.delete(installation),
  );
  if (!watchesExit) watchExit();
  watchesExit = true;
  return shared;
}

async function end(installation: string, shared: Shared): Promise<void> {
  shared.cancelIdle();
  if (kits.get(installation) === shared) kits.delete(installation);
  const kit = await shared.kit.catch(() => undefined);
  if (!kit) return;
  await kit.close();
  open.delete(kit);
}

/** Test runners end their workers by SIGTERM, at which no process emits `exit`. */
function watchExit() {
  process.once('exit', dropAll);
  process.once('SIGTERM', () => {
    dropAll();
    // A further listener decides what comes of the signal; without a listener the process ends by it, as always.
    if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
  });
}

function dropAll() {
  for (const kit of open) kit.drop();
}
