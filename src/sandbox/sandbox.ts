import type { Agent } from '../jobs/agent.ts';
import type { Assignment, Outcome } from '../jobs/model.ts';
import { planPlacement } from '../jobs/placement.ts';
import { type PluginLine, silentLog } from '../kernel/log.ts';
import { createOwnSeries, type OwnSeries } from '../kernel/own-series.ts';
import type { Time } from '../kernel/time.ts';
import { mergeMeasures } from '../workers/measures.ts';
import type { WorkerCall, WorkerEnd } from '../workers/ports.ts';
import type { Rehearsal } from '../workers/rehearsal.ts';
import { createWorkers } from '../workers/workers.ts';
import { SANDBOX_MODELS } from './models.ts';

/** An attempt that is to be run in a sandbox. */
export interface SandboxAttempt {
  agent: Agent;
  assignment: Assignment;
  /** The clock, the network, the folder and the environment of the worker. */
  rehearsal: Rehearsal;
  /** The values of the agent's secrets. A Fault that it throws ends the attempt. */
  secrets(): Record<string, string>;
  /** Answers everything that the plugin asks its host for. */
  answer(call: WorkerCall): Promise<unknown>;
  /** Asks the attempt to stop, as a host does with the run of an agent that runs always. */
  stop?: AbortSignal | undefined;
  /** The lowest level of the lines that are kept. Default: the agent's own. */
  level?: 'debug';
}

/** The end of an attempt in a sandbox. */
export interface SandboxRun {
  outcome: Outcome;
  /** Lines that the worker wrote, from its start to its end. */
  lines: PluginLine[];
  /** The series that the plugin counted by its context. */
  series: OwnSeries[];
  /** The end of the worker, when it did not survive the attempt. */
  end: WorkerEnd | undefined;
}

/**
 * Runs attempts of plugins in real workers, under their real rights and limits, apart from every real job: the tests of
 * authors (`daruma/testing`) and rehearsals of the host are made of it. An attempt has a worker of its own.
 */
export interface Sandbox {
  /** Resolves when the attempt has ended and its worker is gone. Attempts may run side by side, of one agent too. */
  run(attempt: SandboxAttempt): Promise<SandboxRun>;
  /** The processes of its cells. */
  pids(): number[];
  close(): Promise<void>;
}

interface SandboxPlaces {
  /** The folder that workers see when their rehearsal names no other; absolute. */
  folder: string;
  /** A folder for cells to run in, empty and kept empty. */
  emptyFolder: string;
  /** Folders of compiled plugins and libraries, beside those of the installation in `folder`. Default none. */
  codeFolders?: string[];
}

/** A worker that has done its job ends within this time, or is left to the end of the sandbox. */
const GONE_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5;
/** A cell that is lost gives back the attempts that had not begun: so often, then the attempt has failed. */
const MOST_RETURNS = 5;

interface Running extends SandboxAttempt {
  returns: number;
  lines: PluginLine[];
  series: ReturnType<typeof createOwnSeries>;
  end: WorkerEnd | undefined;
  ended(outcome: Outcome): void;
}

/** Starts a sandbox without a cell: the first attempt starts one. */
export async function openSandbox(time: Time, places: SandboxPlaces): Promise<Sandbox> {
  /** By the name under which the agent runs here. */
  const running = new Map<string, Running>();
  const runOf = (job: string) => [...running.values()].find(({ assignment }) => assignment.job === job);

  const workers = createWorkers(
    {
      time,
      log: silentLog,
      events: {
        ended(outcomes) {
          for (const { outcome } of outcomes) runOf(outcome.job)?.ended(outcome);
        },
        released(refs) {
          for (const { job } of refs) giveAgain(runOf(job));
        },
        capacityChanged() {},
      },
      answer: async (call) => running.get(call.agent)?.answer(call),
      models: () => ({ ...SANDBOX_MODELS, close() {} }),
      secrets: async ({ name }) => running.get(name)?.secrets() ?? {},
      lines(lines) {
        for (const line of lines) running.get(line.agent)?.lines.push(line);
      },
      measured(name, measures) {
        const one = running.get(name);
        if (!one) return;
        const line = mergeMeasures(one.series, measures, { agent: name, at: time.now() });
        if (line) one.lines.push(line);
      },
      gone(end) {
        const one = running.get(end.agent);
        if (one) one.end = end;
      },
      apart: () => place(),
    },
    { ...places, rehearsal: (name) => running.get(name)?.rehearsal },
  );

  function giveAgain(one: Running | undefined) {
    if (!one) return;
    const { agent, assignment } = one;
    if (++one.returns <= MOST_RETURNS) return workers.dispatch(agent.name, [assignment]);
    const { job, attempt } = assignment;
    const fault = { code: 'CELL_LOST', message: 'its cell was lost again and again before it began' };
    const at = time.now();
    one.ended({ job, attempt, startedAt: at, finishedAt: at, is: 'failed', fault, retry: true });
  }

  /** The name of an agent where that is free, else a name with a number. */
  function freeName(name: string): string {
    for (let count = 1; ; count++) {
      const free = count === 1 ? name : `${name}-${count}`;
      if (!running.has(free)) return free;
    }
  }

  /** Hands the workers the agents that run here, without `but`, which has ended. */
  function place(except?: Running) {
    const agents = [...running.values()].filter((one) => one !== except).map(({ agent }) => agent);
    workers.use(agents.map((agent) => planPlacement({ agent, isApart: workers.isApart?.(agent) })));
  }

  async function run(attempt: SandboxAttempt): Promise<SandboxRun> {
    const name = freeName(attempt.agent.name);
    const ended = Promise.withResolvers<Outcome>();
    const one: Running = {
      ...attempt,
      agent: { ...attempt.agent, name },
      assignment: { ...attempt.assignment, agent: name },
      returns: 0,
      lines: [],
      series: createOwnSeries(),
      end: undefined,
      ended: ended.resolve,
    };
    running.set(name, one);
    place();
    if (one.level) workers.level(name, one.level);
    workers.dispatch(name, [one.assignment]);
    const ref = { job: one.assignment.job, attempt: one.assignment.attempt };
    const stop = () => workers.abort(ref, { code: 'HOST_STOPPED', message: 'it was asked to stop' });
    attempt.stop?.addEventListener('abort', stop, { once: true });
    if (attempt.stop?.aborted) stop();
    const outcome = await ended.promise;
    attempt.stop?.removeEventListener('abort', stop);
    place(one);
    // Lines come until the worker is gone.
    const until = time.monotonic() + GONE_WITHIN_MS;
    while (workers.view().workers.some(({ agent }) => agent === name) && time.monotonic() < until) {
      await time.sleep(LOOK_EVERY_MS);
    }
    running.delete(name);
    return { outcome, lines: one.lines, series: one.series.take(), end: one.end };
  }

  await workers.start();
  return {
    run,
    pids: () => workers.view().cells.map(({ pid }) => pid),
    close: () => workers.stop(),
  };
}
