import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBuilder } from '../catalog/builder/client.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Assignment, Outcome } from '../jobs/model.ts';
import { planPlacement } from '../jobs/placement.ts';
import { silentLog } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import type { PluginLine, WorkerCall, WorkerEnd } from '../workers/ports.ts';
import type { Rehearsal } from '../workers/rehearsal.ts';
import { createWorkers } from '../workers/workers.ts';
import { openShelf, type Shelf } from './shelf.ts';

/** Everything about one attempt that is to be run. */
export interface Trial {
  agent: Agent;
  rehearsal: Rehearsal;
  secrets: Record<string, string>;
  job: Pick<Assignment, 'attempt' | 'trigger' | 'slot' | 'input'>;
  answer(call: WorkerCall): Promise<unknown>;
}

export interface Tried {
  outcome: Outcome;
  lines: PluginLine[];
  /** How its worker ended, when it did not survive. */
  end: WorkerEnd | undefined;
}

/** A warm cell and a workshop, shared by all runs of a test file. */
export interface Bench {
  readonly registry: Shelf;
  /** A new, empty folder. */
  folder(): string;
  /** Runs one attempt on a worker of its own; resolves when the worker is gone. */
  run(trial: Trial): Promise<Tried>;
  close(): Promise<void>;
  /** Leaves nothing behind, at once: for a process that ends. */
  drop(): void;
}

/** A worker that has done its job ends within this time, or is left to the end of the bench. */
const GONE_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5;
/** A cell that another plugin took down gives the attempt back unbegun. */
const MOST_RETURNS = 5;

interface Running {
  trial: Trial;
  assignment: Assignment;
  returns: number;
  lines: PluginLine[];
  end: WorkerEnd | undefined;
  ended(outcome: Outcome): void;
}

export async function openBench(installation: string, time: Time): Promise<Bench> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-testing-')));
  const emptyFolder = join(root, 'empty');
  for (const name of ['empty', 'versions', 'folders']) mkdirSync(join(root, name));
  const running = new Map<string, Running>();
  const byAgent = new Map<string, Running>();
  let lastJob = 0;
  let lastFolder = 0;

  const builder = createBuilder(
    { time, log: silentLog },
    { emptyFolder, compileMs: 20_000, inspectMs: 5_000, warmMs: 10_000, parallel: 2 },
  );
  const workers = createWorkers(
    {
      time,
      log: silentLog,
      events: {
        ended(outcomes) {
          for (const { outcome } of outcomes) running.get(outcome.job)?.ended(outcome);
        },
        returned(refs) {
          for (const { job } of refs) again(running.get(job));
        },
        capacityChanged() {},
      },
      answer: async (call) => running.get(call.job)?.trial.answer(call),
      secrets: async ({ name }) => byAgent.get(name)?.trial.secrets ?? {},
      lines(lines) {
        for (const line of lines) byAgent.get(line.agent)?.lines.push(line);
      },
      gone(end) {
        const one = byAgent.get(end.agent);
        if (one) one.end = end;
      },
      apart: () => use(),
    },
    { folder: installation, emptyFolder, rehearsal: (agent) => byAgent.get(agent)?.trial.rehearsal },
  );

  function again(one: Running | undefined) {
    if (!one) return;
    if (++one.returns <= MOST_RETURNS) return workers.give(one.trial.agent.name, [one.assignment]);
    const { job, attempt } = one.assignment;
    const fault = { code: 'CELL_LOST', message: 'its cell was lost again and again before it began' };
    const at = time.now();
    one.ended({ job, attempt, startedAt: at, finishedAt: at, is: 'failed', fault, retry: true });
  }

  /** Its own name where that is free: runs of one plugin may go on side by side. */
  function freeName(name: string): string {
    for (let count = 1; ; count++) {
      const free = count === 1 ? name : `${name}-${count}`;
      if (!byAgent.has(free)) return free;
    }
  }

  function use(runs: Iterable<Running> = byAgent.values()) {
    const agents = [...runs].map(({ trial }) => trial.agent);
    workers.use(agents.map((agent) => planPlacement({ agent, isApart: workers.isApart?.(agent) })));
  }

  async function run(given: Trial): Promise<Tried> {
    const trial = { ...given, agent: { ...given.agent, name: freeName(given.agent.name) } };
    const { name, limits } = trial.agent;
    const ended = Promise.withResolvers<Outcome>();
    const now = time.now();
    const job = `job-${++lastJob}`;
    const assignment = { job, agent: name, attempts: limits.attempts, queuedAt: now, runAt: now, ...trial.job };
    const one: Running = { trial, assignment, returns: 0, lines: [], end: undefined, ended: ended.resolve };
    running.set(job, one);
    byAgent.set(name, one);
    use();
    workers.level(name, 'debug');
    workers.give(name, [assignment]);
    const outcome = await ended.promise;
    running.delete(job);
    // Its lines are heard until its worker is gone.
    use([...byAgent.values()].filter((other) => other !== one));
    const until = time.monotonic() + GONE_WITHIN_MS;
    while (workers.view().workers.some(({ agent }) => agent === name) && time.monotonic() < until) {
      await time.sleep(LOOK_EVERY_MS);
    }
    byAgent.delete(name);
    return { outcome, lines: one.lines, end: one.end };
  }

  const registry = await openShelf({ time, builder, versionsFolder: join(root, 'versions') });
  await workers.start();
  return {
    registry,
    run,
    folder() {
      const folder = join(root, 'folders', String(++lastFolder));
      mkdirSync(folder);
      return folder;
    },
    async close() {
      await Promise.all([workers.stop(), builder.stop()]);
      rmSync(root, { recursive: true, force: true });
    },
    drop() {
      const pids = [builder.pid(), ...workers.view().cells.map(({ pid }) => pid)];
      for (const pid of pids) {
        try {
          if (pid !== undefined) process.kill(pid, 'SIGKILL');
        } catch {
          // It was quicker.
        }
      }
      rmSync(root, { recursive: true, force: true });
    },
  };
}
