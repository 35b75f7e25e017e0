import { createToday, dayAfter } from '../kernel/day.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import { HOUR_MS, MINUTE_MS } from '../kernel/measures.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Meter } from './meter/meter.ts';
import type { AgentUsage, UsageStore } from './ports.ts';

/** Sums up by agent and day what workers use, and keeps the sums in the store. A kill of the host loses a minute of them. */
export interface UsageMeter extends Service {
  /** Readings of ready workers, each of them about a second after the one before. */
  read(readings: readonly UsageReading[]): void;
  /** A command of the agent has ended. `cpuMs`: its processor time, with all that it started. */
  ranCommand(agent: string, cpuMs: number): void;
}

interface UsageReading {
  worker: string;
  agent: string;
  /** Monotonic ms. */
  at: number;
  heapBytes: number;
  externalBytes: number;
  childrenBytes: number;
  /** Share of a core since the reading before; null: unknown. */
  cpu: number | null;
}

interface UsageNeeds {
  time: Time;
  log: Log;
  store: UsageStore;
  meter: Pick<Meter, 'count' | 'gauge'>;
  timezone(): string;
  /** The bytes that each agent takes on disk. */
  disk(): Promise<ReadonlyMap<string, number>>;
}

const EVERY_MS = MINUTE_MS;
const DISK_EVERY_MS = HOUR_MS;
/** A reading stands for the time since the one before, at most for so long: its worker may have been frozen, or the machine asleep. */
const LONGEST_MS = 5_000;
const FIRST_MS = 1_000;
const KB = 1024;
/** Rows are kept so long, and so many: some 50 MB. */
const KEPT_DAYS = 730;
const MOST_ROWS = 500_000;

type Sums = Omit<AgentUsage, 'day' | 'agent'>;

export function createUsageMeter({ time, log, store, meter, timezone, disk }: UsageNeeds): UsageMeter {
  /** The use that the store does not have yet, by day and agent; with parts of a whole. */
  let sums = new Map<string, AgentUsage>();
  /** The newest reading of each worker, monotonic ms. */
  const readAt = new Map<string, number>();
  const today = createToday(time, timezone);
  let diskAt = Number.NEGATIVE_INFINITY;

  function add({ day, agent, ...more }: AgentUsage) {
    const key = `${day} ${agent}`;
    const sum = sums.get(key) ?? { day, agent, ...NO_SUMS };
    sums.set(key, sum);
    for (const part of PARTS) sum[part] += more[part];
    sum.diskBytes = more.diskBytes || sum.diskBytes;
  }

  function read(readings: readonly UsageReading[]) {
    const { day } = today();
    for (const { worker, agent, at, heapBytes, externalBytes, childrenBytes, cpu } of readings) {
      const ms = Math.min(LONGEST_MS, Math.max(0, at - (readAt.get(worker) ?? at - FIRST_MS)));
      readAt.set(worker, at);
      const cpuMs = (cpu ?? 0) * ms;
      if (cpuMs > 0) meter.count('cpu', { agent }, cpuMs);
      const kbs = (bytes: number) => (bytes / KB) * (ms / 1_000);
      add({
        ...{ day, agent },
        heapKbs: kbs(heapBytes),
        nativeKbs: kbs(externalBytes),
        childrenKbs: kbs(childrenBytes),
        cpuMs,
        diskBytes: 0,
      });
    }
  }

  /** Whole numbers go to the store; the parts stay for the next time. */
  async function write() {
    const before = sums;
    sums = new Map();
    const all = [...before.values()];
    const rows = all
      .map((row) => wholeOf(row, Math.floor))
      .filter((row) => row.diskBytes > 0 || PARTS.some((part) => row[part] > 0));
    for (const row of all.filter(({ day }) => day === today().day)) add({ ...wholeOf(row, partOf), diskBytes: 0 });
    if (rows.length === 0) return;
    try {
      await store.addUsage(rows);
    } catch (thrown) {
      for (const row of rows) add(row);
      throw thrown;
    }
  }

  async function turn() {
    const now = time.monotonic();
    for (const [worker, at] of readAt) if (now - at > MINUTE_MS) readAt.delete(worker);
    if (now - diskAt >= DISK_EVERY_MS) {
      diskAt = now;
      for (const [agent, diskBytes] of await disk()) {
        meter.gauge('disk', { agent }, diskBytes);
        add({ day: today().day, agent, ...NO_SUMS, diskBytes });
      }
      await store.pruneDays(dayAfter(today().day, -KEPT_DAYS), MOST_ROWS);
    }
    await write();
  }

  const failed = (error: unknown) => log.error('what agents used could not be kept', { fault: toPlainFault(error) });
  const loop = createLoop({ time, failed }, { everyMs: EVERY_MS, firstMs: EVERY_MS, turn });
  return {
    read,
    ranCommand: (agent, cpuMs) => add({ day: today().day, agent, ...NO_SUMS, cpuMs }),
    start: loop.start,
    async stop() {
      if (loop.alive() === undefined) return;
      await loop.stop();
      await write().catch(failed);
    },
    alive: loop.alive,
  };
}

const PARTS = ['heapKbs', 'nativeKbs', 'childrenKbs', 'cpuMs'] as const;
const NO_SUMS: Sums = { heapKbs: 0, nativeKbs: 0, childrenKbs: 0, cpuMs: 0, diskBytes: 0 };

const partOf = (value: number) => value % 1;

function wholeOf(row: AgentUsage, of: (value: number) => number): AgentUsage {
  const parts = Object.fromEntries(PARTS.map((part) => [part, of(row[part])])) as Pick<
    AgentUsage,
    (typeof PARTS)[number]
  >;
  return { ...row, ...parts };
}
