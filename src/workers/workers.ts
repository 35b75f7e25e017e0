import type { Placement } from '../jobs/placement.ts';
import { toPlainFault } from '../kernel/fault.ts';
import { createLoop } from '../kernel/loop.ts';
import { workerFaults } from './faults.ts';
import { createPool, type Pool } from './pool.ts';
import type { Workers, WorkersNeeds, WorkersOptions } from './ports.ts';
import { createReports } from './reports.ts';
import { createWorkerRoom, type WorkerRoom } from './room.ts';
import { createShutdown, type ShutdownNeeds } from './shutdown.ts';
import type { WorkersView } from './view.ts';
import { createWorkerRegistry } from './worker-registry.ts';

interface RoomOfNeeds {
  pools: ReadonlyMap<string, Pool>;
  room: WorkerRoom;
  isRunning(): boolean;
}

/** Longest pause between two turns. */
const TURN_MS = 1_000;

/** Runs attempts in worker threads in cells. No fault of a plugin gets beyond its cell, and each attempt that is given comes back exactly once. */
export function createWorkers(needs: WorkersNeeds, options: WorkersOptions): Workers {
  const { time } = needs;
  const settings = {
    ...{
      idleMs: 60_000,
      cellSize: 50,
      most: Number.POSITIVE_INFINITY,
      bootMs: 10_000,
      codeFolders: [],
      fence: 'best' as const,
      rehearsal: () => undefined,
    },
    ...options,
  };
  const reports = createReports(needs.events, capacity);
  const registry = createWorkerRegistry({ ...needs, reports }, settings);
  let is: 'new' | 'running' | 'draining' | 'stopping' = 'new';
  let turnedAt: number | undefined;
  let stopped: Promise<void> | undefined;
  const { pools, room, open, use } = createPools(
    { time, registry, reports, workerGone: () => shutdown.workerGone() },
    settings.most,
  );
  const shutdown = createShutdown({ time, registry, reports, pools });

  const loop = createLoop(
    { time, failed: (error) => needs.log.error('a look at the workers failed', { fault: toPlainFault(error) }) },
    { everyMs: Math.max(20, Math.min(TURN_MS, settings.idleMs / 4)), turn },
  );

  /** A look at all that is seen only by looking. */
  function turn() {
    const now = time.monotonic();
    // After a suspended machine all are as late as this turn: only part of that time counts.
    registry.findStuck(Math.min(now - (turnedAt ?? now), 2 * TURN_MS));
    turnedAt = now;
    room.review();
    for (const pool of pools.values()) pool.turn(settings.idleMs);
    registry.cells.sweep();
    reports.flush();
  }

  function capacity(agent: string): number {
    return is === 'running' ? (pools.get(agent)?.capacity() ?? 0) : 0;
  }

  async function drain(withinMs: number): Promise<void> {
    if (is === 'running') is = 'draining';
    await shutdown.drain(withinMs);
  }

  async function end(): Promise<void> {
    is = 'stopping';
    const turned = loop.stop();
    shutdown.closeAll();
    shutdown.endAll();
    await turned;
    await registry.cells.end();
    for (const [name, pool] of [...pools]) {
      // Ready for another start.
      pools.delete(name);
      open(pool.placement());
    }
    turnedAt = undefined;
    is = 'new';
  }

  return {
    async start() {
      await stopped;
      if (is !== 'new') return;
      is = 'running';
      registry.cells.warmUp();
      const begun = loop.start();
      for (const name of pools.keys()) reports.changed(name);
      await begun;
    },
    async stop() {
      if (is === 'new') return stopped;
      if (is !== 'stopping') stopped = end();
      await stopped;
    },
    alive: loop.alive,
    use(placements) {
      use(placements);
      if (is === 'running') for (const pool of pools.values()) pool.turn(settings.idleMs);
    },
    serving: (agent) => pools.get(agent)?.serving(),
    load: (agent) => loadOf(pools.get(agent)),
    capacity,
    room: room.left,
    narrow: room.narrow,
    ...roomOf({ pools, room, isRunning: () => is === 'running' }),
    dispatch(agent, assignments) {
      const left = is === 'running' ? (pools.get(agent)?.dispatch(assignments) ?? assignments) : assignments;
      for (const ref of left) reports.released(ref);
    },
    abort(ref, why) {
      for (const worker of registry.workers()) if (worker.abort(ref, why)) return;
    },
    level: registry.level,
    restart(agent, now) {
      const own = [...registry.workers()].filter((worker) => worker.agent.name === agent);
      const jobs = own.flatMap((worker) => worker.jobsNow().map(({ job }) => job));
      for (const worker of own) {
        worker.drain();
        if (now) worker.abortAll(workerFaults.restarted());
      }
      reports.flush();
      return { workers: own.map(({ name }) => name), jobs };
    },
    recycle(name, why) {
      for (const worker of registry.workers()) {
        if (worker.name !== name) continue;
        needs.log.info(`${name} of ${worker.agent.name} is recycled: ${why.message}`);
        worker.drain();
      }
      reports.flush();
    },
    ownCell(agent) {
      registry.cells.setApart(agent);
      needs.apart?.(agent);
    },
    holds: (name, ref) => [...registry.workers()].some((worker) => worker.name === name && worker.holds(ref)),
    isApart: registry.cells.isApart,
    drain,
    view: () => viewOf(registry, room.view()),
  };
}

interface PoolsNeeds extends Omit<ShutdownNeeds, 'pools'> {
  /** Called when a worker has ended. */
  workerGone(): void;
}

/** The pools of all agents that are placed. */
function createPools({ time, registry, reports, workerGone }: PoolsNeeds, most: number) {
  const pools = new Map<string, Pool>();
  const room: WorkerRoom = createWorkerRoom({ time, workers: registry.workers, pools }, most);

  function open(placement: Placement) {
    const { name } = placement.agent;
    const pool: Pool = createPool(placement, {
      time,
      // An agent that runs always has its place for good.
      room: placement.agent.always
        ? () => Number.POSITIVE_INFINITY
        : () => room.left(pool.serving().class === 'critical'),
      startWorker(of, cell) {
        const worker = registry.start(of, cell, {
          suspects: pool.suspects,
          took: pool.batchSizing.add,
          ready: pool.ready,
          gone(worker, isFault) {
            room.gone(worker);
            pool.gone(worker, isFault);
            room.review();
            workerGone();
          },
        });
        room.started(worker);
        return worker;
      },
      changed: () => reports.changed(name),
    });
    pools.set(name, pool);
  }

  return {
    pools,
    room,
    open,
    use(placements: Iterable<Placement>) {
      const names = new Set<string>();
      let someOwn = false;
      for (const placement of placements) {
        if (placement.workers.max === 0) continue;
        someOwn ||= placement.cell === 'own';
        const { name } = placement.agent;
        names.add(name);
        const pool = pools.get(name);
        if (pool) pool.use(placement);
        else open(placement);
        reports.changed(name);
      }
      for (const [name, pool] of [...pools]) {
        if (names.has(name)) continue;
        pool.close();
        pools.delete(name);
      }
      registry.cells.expectOwn(someOwn);
    },
  };
}

function loadOf(pool: Pool | undefined): ReturnType<NonNullable<Workers['load']>> {
  if (!pool) return undefined;
  let ready = 0;
  for (const worker of pool.workers()) {
    const { is } = worker.state();
    if (is === 'idle' || is === 'busy') ready += 1;
  }
  return { ...pool.workTime(), ready };
}

function viewOf(registry: ReturnType<typeof createWorkerRegistry>, room: WorkersView['room']): WorkersView {
  const cells: WorkersView['cells'] = [];
  for (const { process, gate, owner, terms, workers, rssBytes } of registry.cells.all()) {
    if (process.pid === undefined) continue;
    const is = terms === null ? 'spare' : owner === null ? 'shared' : 'own';
    cells.push({ pid: process.pid, is, agent: owner, workers: workers.size, rssBytes, fence: gate.report() ?? null });
  }
  const workers: WorkersView['workers'] = [];
  for (const worker of registry.workers()) {
    const { reading } = worker;
    const state = worker.state();
    if (state.is === 'gone') continue;
    const jobs = worker.jobsNow();
    const [first] = jobs;
    workers.push({
      worker: worker.name,
      agent: worker.agent.name,
      version: worker.agent.version.id,
      is: state.is,
      job: first?.job ?? null,
      startedAt: first?.startedAt ?? null,
      jobs,
      memoryBytes: reading?.heapBytes == null ? null : reading.heapBytes + (reading.externalBytes ?? 0),
      lastBeat: first?.lastBeat ?? null,
      pools: reading?.pools ?? null,
    });
  }
  return { cells, workers, room, cellFault: registry.cells.startFault() };
}

/** The wait of agents for room, as the dispatcher and people ask for it. */
function roomOf({ pools, room, isRunning }: RoomOfNeeds): Pick<Workers, 'lacksRoom' | 'waitForRoom' | 'waitsForRoom'> {
  return {
    lacksRoom: (agent) => isRunning() && room.waitsFor(agent) === undefined && (pools.get(agent)?.lacksRoom() ?? false),
    waitForRoom(agent) {
      const pool = pools.get(agent);
      if (isRunning() && pool) room.wait(pool.serving());
    },
    waitsForRoom: room.waitsFor,
  };
}
