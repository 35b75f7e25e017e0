import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, stop as stopEsbuild } from 'esbuild';
import { darumaImports, zodInEnglish } from '../../src/catalog/builder/daruma-imports.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import type { Assignment, Outcome } from '../../src/jobs/model.ts';
import { planPlacement } from '../../src/jobs/placement.ts';
import type { AttemptRef } from '../../src/jobs/ports.ts';
import { type PluginLine, silentLog } from '../../src/kernel/log.ts';
import type { Measures } from '../../src/kernel/own-series.ts';
import { machineTime, type Time } from '../../src/kernel/time.ts';
import type {
  CellReading,
  LeftOver,
  WorkerCall,
  WorkerEnd,
  WorkerReading,
  Workers,
  WorkersNeeds,
  WorkersOptions,
} from '../../src/workers/ports.ts';
import { createWorkers } from '../../src/workers/workers.ts';
import { HANGS_MS } from '../hangs.ts';

/** Real workers on plugins that the test writes; everything that they tell is kept, and can be waited for. */
export interface World {
  folder: string;
  workers: Workers;
  outcomes: { worker: string; outcome: Outcome }[];
  released: AttemptRef[];
  lines: PluginLine[];
  ends: WorkerEnd[];
  leftOvers: LeftOver[];
  calls: WorkerCall[];
  readings: WorkerReading[];
  cellReadings: CellReading[];
  /** What plugins counted, a part for each message. */
  measures: Measures[];
  replaced: { pid: number; agents: string[]; why: string; killed: boolean }[];
  /** Compiles `body` (what stands after the imports) and puts it in force beside the others. */
  agent(name: string, body: string, change?: AgentChange): Promise<Agent>;
  remove(name: string): void;
  /** Hands jobs over, however many; ids count up. */
  dispatch(agent: string, inputs?: unknown[]): Assignment[];
  /** Hands one job over and waits for its outcome. */
  run(agent: string, input?: unknown): Promise<Outcome>;
  outcomeOf(ref: AttemptRef, withinMs?: number): Promise<Outcome>;
  /** Waits for a condition; looks again after everything that is told, and every 10 ms. */
  until<T>(what: string, look: () => T | undefined | false | null, withinMs?: number): Promise<T>;
  /** Waits until `count` jobs of the agent have told that they began, with a line `begun`. */
  begun(agent: string, count?: number): Promise<unknown>;
  /** Process ids of its cells that live. */
  cells(): number[];
  close(): Promise<void>;
}

export type AgentChange = Partial<Omit<Agent, 'limits' | 'needs'>> & {
  limits?: Partial<Agent['limits']>;
  needs?: Partial<Agent['needs']>;
};

export interface WorldOptions extends Partial<WorkersOptions> {
  answer?(call: WorkerCall): Promise<unknown>;
  secrets?(agent: Agent): Promise<Record<string, string>>;
  time?: Time;
  children?: WorkersNeeds['children'];
  models?: WorkersNeeds['models'];
  memoryKills?: WorkersNeeds['memoryKills'];
  /** Called when attempts come back unbegun. */
  onReturned?(refs: AttemptRef[], world: World): void;
}

const DARUMA = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
let lastVersion = 0;

/** The source of a plugin with this body of `run`. */
export function runs(body: string, more = ''): string {
  return `import { definePlugin, EffectUnknown, GiveUp, RetryLater, z } from 'daruma';
export default definePlugin({
  about: 'A test.', ${more}
  async run(context) {
    const { agent, beat, emit, fleet, folder, job, llm, log, once, secrets, send, settings, signal, state, summary } = context;
    ${body}
  },
});
`;
}

/** The host's own clock and timers, so many times as fast. */
export function fastTime(times: number): Time {
  return {
    ...machineTime,
    monotonic: () => machineTime.monotonic() * times,
    after: (ms, call) => machineTime.after(ms / times, call),
  };
}

/** Whether a process lives. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Compiles a plugin as the catalog does: one bundle with everything in it, and its map. */
export async function bundle(folder: string, name: string, body: string): Promise<Agent['version']> {
  const source = join(folder, 'plugins', `${name}.ts`);
  const id = `${name}-${++lastVersion}`;
  const file = join(folder, 'versions', `${id}.mjs`);
  mkdirSync(join(folder, 'plugins'), { recursive: true });
  writeFileSync(source, body);
  await build({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    sourcemap: true,
    logLevel: 'error',
    // A copy of zod in each bundle is half a megabyte to compile, and to load for each worker.
    plugins: [darumaImports(DARUMA), zodInEnglish],
  });
  return { plugin: name, id, file, mapFile: `${file}.map` };
}

export function agentOf(name: string, version: Agent['version'], change: AgentChange = {}): Agent {
  const { limits, needs, ...rest } = change;
  return {
    name,
    about: 'a test',
    version,
    on: [],
    firstRun: false,
    settings: {},
    workers: { min: 0, max: 1 },
    isolation: 'shared',
    fingerprint: `${version.id} ${JSON.stringify(change)}`,
    limits: {
      memoryBytes: 128 * 1024 * 1024,
      timeoutMs: 10_000,
      silenceMs: 10_000,
      graceMs: 200,
      attempts: 3,
      backoff: { first: 10, longest: 100 },
      ...limits,
    },
    needs: {
      secrets: [],
      env: [],
      net: [],
      read: [],
      write: [],
      exec: [],
      modules: [],
      fleet: false,
      llm: false,
      ...needs,
    },
    ...rest,
  };
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-workers-')));
  const emptyFolder = join(folder, 'empty');
  mkdirSync(emptyFolder);
  const agents = new Map<string, Agent>();
  const workerTelemetry = new Set<() => void>();
  const { answer, secrets, onReturned, children, models, memoryKills, time = machineTime, ...workersOptions } = options;
  let lastJob = 0;
  /** As a host does: a fact about a cell is part of the next placements, at once. */
  const put = () =>
    world.workers.use(
      [...agents.values()].map((agent) => planPlacement({ agent, isApart: world.workers.isApart?.(agent) })),
    );
  const told = () => {
    for (const look of [...workerTelemetry]) look();
  };

  const world: World = {
    folder,
    outcomes: [],
    released: [],
    lines: [],
    ends: [],
    leftOvers: [],
    calls: [],
    readings: [],
    cellReadings: [],
    measures: [],
    replaced: [],
    workers: createWorkers(
      {
        time,
        log: silentLog,
        events: {
          ended(outcomes) {
            world.outcomes.push(...outcomes);
            told();
          },
          released(refs) {
            world.released.push(...refs);
            onReturned?.(refs, world);
            told();
          },
          capacityChanged: told,
        },
        answer(call) {
          world.calls.push(call);
          return answer?.(call) ?? Promise.resolve(undefined);
        },
        secrets: secrets ?? (async () => ({})),
        lines(lines) {
          world.lines.push(...lines);
          told();
        },
        readings(list, cell) {
          world.readings.push(...list);
          world.cellReadings.push(cell);
          told();
        },
        measured(_agent, measures) {
          world.measures.push(measures);
          told();
        },
        ...(children ? { children } : {}),
        ...(models ? { models } : {}),
        ...(memoryKills ? { memoryKills } : {}),
        apart: put,
        cellReplaced(cell) {
          world.replaced.push(cell);
          told();
        },
        leftOver(found) {
          world.leftOvers.push(found);
          told();
        },
        gone(end) {
          world.ends.push(end);
          told();
        },
      },
      { folder, emptyFolder, codeFolders: [folder], ...workersOptions },
    ),
    async agent(name, body, change) {
      const agent = agentOf(name, await bundle(folder, name, body), change);
      agents.set(name, agent);
      put();
      return agent;
    },
    remove(name) {
      agents.delete(name);
      put();
    },
    dispatch(agent, inputs = [null]) {
      const now = Date.now();
      const assignments = inputs.map((input) => ({
        job: `j${++lastJob}`,
        agent,
        attempt: 1,
        attempts: 3,
        trigger: 'manual' as const,
        slot: null,
        input: input === null || input === undefined ? null : JSON.stringify(input),
        queuedAt: now,
        runAt: now,
      }));
      world.workers.dispatch(agent, assignments);
      return assignments;
    },
    async run(agent, input) {
      for (;;) {
        const [ref] = world.dispatch(agent, [input]);
        const isReleased = () => world.released.some(({ job }) => job === ref!.job);
        const outcome = () => world.outcomes.find((one) => one.outcome.job === ref!.job)?.outcome;
        const end = await world.until(
          `the end of ${ref!.job}`,
          () => outcome() ?? (isReleased() ? 'released' : undefined),
        );
        // The worker ended before the job began: a host hands it over again.
        if (end !== 'released') return end;
      }
    },
    outcomeOf(ref, withinMs) {
      return world.until(
        `an outcome of ${ref.job}`,
        () => world.outcomes.find(({ outcome }) => outcome.job === ref.job && outcome.attempt === ref.attempt)?.outcome,
        withinMs,
      );
    },
    until(what, look, withinMs = HANGS_MS) {
      return new Promise((resolve, reject) => {
        const again = setInterval(check, 10);
        const late = setTimeout(() => {
          finish();
          reject(new Error(`waited ${withinMs} ms for ${what} in vain`));
        }, withinMs);
        workerTelemetry.add(check);
        check();
        function check() {
          const found = look();
          if (found === undefined || found === false || found === null) return;
          finish();
          resolve(found as never);
        }
        function finish() {
          workerTelemetry.delete(check);
          clearInterval(again);
          clearTimeout(late);
        }
      });
    },
    begun(agent, count = 1) {
      const isIt = (line: PluginLine) => line.agent === agent && line.message === 'begun';
      return world.until(`${agent} to begin`, () => world.lines.filter(isIt).length >= count);
    },
    cells: () => world.workers.view().cells.map((cell) => cell.pid),
    async close() {
      await world.workers.stop();
      await stopEsbuild();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await world.workers.start();
  return world;
}
