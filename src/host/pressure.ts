import { dirname } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import type { Healer } from '../healing/healer.ts';
import { createGrowers } from '../healing/pressure/growers.ts';
import { createPressure, type Pressure } from '../healing/pressure/pressure.ts';
import type { Agent } from '../jobs/agent.ts';
import { openMachineReadings } from '../kernel/cgroup.ts';
import { Fault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { formatSize } from '../kernel/units.ts';
import type { Events } from '../telemetry/events.ts';
import type { WorkerReading, Workers } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';
import type { HostFacts } from './facts.ts';
import { diskRoomOf } from './healing.ts';

/** The watch over the machine, wired to the rooms. */
export interface HostPressure extends Pressure {
  /** Takes the readings of workers: who has grown is found in them. */
  readings(list: readonly WorkerReading[]): void;
}

interface HostPressureNeeds {
  time: Time;
  log: Log;
  settings: Pick<HostSettings, 'pressure'>;
  events: Pick<Events, 'record'>;
  bus: Pick<HostBus, 'emit'>;
  healer: Pick<Healer, 'report' | 'pressureOver'>;
  /** The disk of its store is looked at. */
  facts: Pick<HostFacts, 'store'>;
  workers: Pick<Workers, 'view' | 'recycle' | 'narrow'>;
  runnableAgents(): ReadonlyMap<string, Agent>;
}

const SHORT = { code: 'RECYCLED', message: 'the machine is short of memory' };

/** `root`: where `proc` and `sys` are, for tests. Default: `/`. */
export function createHostPressure(needs: HostPressureNeeds, root?: string): HostPressure {
  const { workers, healer, settings, events, bus, runnableAgents } = needs;
  const read = openMachineReadings(root);
  const growers = createGrowers();
  const isCritical = (agent: string) => runnableAgents().get(agent)?.class === 'critical';
  const runsAlways = (agent: string) => runnableAgents().get(agent)?.always === true;
  const mayGo = (agent: string) => !isCritical(agent) && !runsAlways(agent);

  const pressure = createPressure({
    time: needs.time,
    log: needs.log,
    async read() {
      return { reading: read(), disk: await diskOf(dirname(needs.facts.store.file)) };
    },
    marks: () => ({ ...settings.pressure, memoryFree: settings.pressure.memoryFree / 100 }),
    reliefMs: () => settings.pressure.reliefMs,
    changed(isEasing) {
      workers.narrow?.(pressure.mostWorkers());
      bus.emit('placement.changed', isEasing ? [...runnableAgents().keys()] : []);
    },
    workers: () =>
      workers.view().workers.filter(({ agent, is }) => !runsAlways(agent) && (isCritical(agent) || is !== 'idle'))
        .length,
    lacksRoom: () => workers.view().room.waiting.length > 0,
    dropIdle() {
      for (const { worker, agent, is } of workers.view().workers)
        if (is === 'idle' && !isCritical(agent)) workers.recycle?.(worker, SHORT);
    },
    recycleGrower() {
      const all = workers.view().workers;
      const candidates = all.filter(({ is, agent }) => (is === 'idle' || is === 'busy') && mayGo(agent));
      const grown = growers.most(candidates.map(({ worker }) => worker));
      if (!grown) return;
      const { worker, bytes, grewBytes } = grown;
      const agent = candidates.find((one) => one.worker === worker)!.agent;
      const what = `it grew by ${formatSize(grewBytes)} to ${formatSize(bytes)}`;
      needs.log.info(`${worker} of ${agent} takes no more jobs and goes after the one it holds: ${what}`, { agent });
      workers.recycle?.(worker, { ...SHORT, message: `${SHORT.message}; ${what}` });
    },
    report: healer.report,
    mended: healer.pressureOver,
    record: ({ level, ...event }) => events.record(level, { ...event, agent: null }),
  });

  return {
    ...pressure,
    readings: (list) =>
      growers.read(
        list.map(({ worker, heapBytes, externalBytes, childrenBytes }) => ({
          worker,
          bytes: heapBytes + externalBytes + childrenBytes,
        })),
        needs.time.monotonic(),
      ),
  };
}

/** null: the system does not say, as of a disk that is not there any more. The store reports the fault when it writes. */
async function diskOf(folder: string) {
  const room = await diskRoomOf(folder).catch(() => undefined);
  return room ? { freeBytes: room.diskFree, totalBytes: room.diskTotal } : null;
}

/** Work that somebody asks for. */
interface AskedWork {
  /** In words, as they begin a sentence: `shop sends`. */
  how: string;
  /** Agents that would get a job of it. */
  to: readonly Agent[];
  /** Default: 0. */
  priority?: number | undefined;
}

/**
 * Refuses new background work at the last rung, by whatever door it comes: jobs of agents of that class, or of a priority below 0. Work of
 * which a job that may start now would come is taken whole. Throws `SEND_REFUSED`.
 */
export function mustTakeSend(pressure: Pick<Pressure, 'facts'>, { how, to, priority = 0 }: AskedWork): void {
  const facts = pressure.facts();
  const isBackground = (agent: Agent) => agent.class === 'background' || (priority < 0 && agent.class !== 'critical');
  if (!facts?.refusesSends || to.length === 0 || !to.every(isBackground)) return;
  const names = to.map(({ name }) => name).join(', ');
  throw new Fault({
    code: 'SEND_REFUSED',
    message: `${how} background work for ${names}, and the machine takes none now: ${facts.seen}`,
    next: 'send it again later (RetryLater), or give it another class or a priority of 0 or more if it cannot wait',
  });
}
