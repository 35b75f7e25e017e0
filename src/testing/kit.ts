import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBuilder } from '../catalog/builder/client.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Assignment } from '../jobs/model.ts';
import { silentLog } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { openSandbox, type SandboxAttempt, type SandboxRun } from '../sandbox/sandbox.ts';
import { openTestedAgents, type TestedAgents } from './tested-agents.ts';

/** An attempt that a test asks for. */
interface TestAttempt extends Pick<SandboxAttempt, 'rehearsal' | 'answer'> {
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

export async function openKit(installation: string, time: Time): Promise<TestKit> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-testing-')));
  const emptyFolder = join(root, 'empty');
  for (const name of ['empty', 'versions', 'folders']) mkdirSync(join(root, name));
  let lastJob = 0;
  let lastFolder = 0;

  const builder = createBuilder(
    { time, log: silentLog },
    { emptyFolder, compileMs: 20_000, inspectMs: 5_000, warmMs: 10_000, parallel: 2 },
  );
  const agents = await openTestedAgents({ time, builder, versionsFolder: join(root, 'versions') });
  const sandbox = await openSandbox(time, { folder: installation, emptyFolder });

  return {
    agents,
    run({ agent, rehearsal, secrets, job, answer }) {
      const { name, limits } = agent;
      const now = time.now();
      const id = `job-${++lastJob}`;
      const assignment = { job: id, agent: name, attempts: limits.attempts, queuedAt: now, runAt: now, ...job };
      return sandbox.run({ agent, assignment, rehearsal, secrets: () => secrets, answer, level: 'debug' });
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
