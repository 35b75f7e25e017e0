import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createEdges, type EdgesNeeds } from '../../healing/edges.ts';
import { createMemoryHistory, type Leak, type MemoryHistory } from '../../healing/forecast.ts';
import { QUARTER_TERMS, riseOf, STAIR_TERMS } from '../../healing/long-look.ts';
import type { MachineResources } from '../../healing/pressure.ts';
import { GB, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { formatSize } from '../../kernel/units.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';
import { sumOfUse } from '../../workers/pool-use.ts';
import type { Workers } from '../../workers/ports.ts';
import type { WarningSource } from './warnings.ts';

/** A quantity that has a limit, as it is now. */
export interface BoundedQuantity {
  quantity: 'memory' | 'disk' | 'wal' | 'logs' | 'pool';
  /** null: the host. */
  agent: string | null;
  /** Bytes; of a pool connections. */
  value: number;
  limit: number;
}

interface QuantityNeeds extends EdgesNeeds {
  time: Time;
  read(): Promise<readonly BoundedQuantity[]> | readonly BoundedQuantity[];
}

/** A rise that has reached its limit goes on no more, and is not over. */
const FULL_SHARE = 0.95;
/** The long look speaks when a quarter of an hour is complete: what it said counts until the one after the next. */
const FOUND_FOR_MS = 40 * MINUTE_MS;

/** Follows quantities to their limits, by the looks that follow memory: the forecast of hours, and the edges of two days. Reads the quantities at each look. */
export function createQuantitySource({ time, log, store, read }: QuantityNeeds): WarningSource {
  const edges = createEdges({ time, log, store }, 'quantity');
  const histories = new Map<string, MemoryHistory>();
  const found = new Map<string, { at: number; seen: SeenWarning }>();
  let isLoaded = false;

  function lookAt(key: string, { quantity, value, limit }: BoundedQuantity): Leak | null {
    const history = histories.get(key) ?? createMemoryHistory();
    histories.set(key, history);
    const isEdgeDone = edges.add(key, key, value);
    const terms = quantity === 'pool' ? STAIR_TERMS : QUARTER_TERMS;
    const rise = history.add(time.monotonic(), value, limit);
    return riseOf(rise, edges.of(key), { now: time.now(), limit, series: key, isEdgeDone, terms });
  }

  return async () => {
    if (!isLoaded) await edges.load();
    isLoaded = true;
    const quantities = new Map((await read()).map((one) => [fingerprintOfWarning(one.quantity, one.agent), one]));
    const now = time.now();
    for (const [key, one] of quantities) {
      const rise = one.limit > 0 ? lookAt(key, one) : null;
      const before = found.get(key);
      if (rise) found.set(key, { at: now, seen: seenOf(key, one, rise, now) });
      else if (before && one.value >= FULL_SHARE * one.limit)
        found.set(key, { at: now, seen: fullSeen(before.seen, one, now) });
    }
    for (const [key, { at }] of found) if (now - at > FOUND_FOR_MS || !quantities.has(key)) found.delete(key);
    for (const key of histories.keys()) if (!quantities.has(key)) histories.delete(key);
    edges.keep((key) => quantities.has(key));
    return [...found.values()].map(({ seen }) => seen);
  };
}

const WHAT = {
  memory: 'memory of the machine',
  disk: 'the disk of the store',
  wal: 'the write-ahead log of the store',
  logs: 'the folder of logs',
} as const;

const NEXT = {
  memory: () => 'daruma doctor; daruma status shows what each agent holds',
  disk: () => 'daruma doctor; du -sh data logs',
  wal: () => 'daruma store check; another program may hold the store open',
  logs: () => 'daruma logs --since 1h shows who writes',
  pool: (agent: string | null) => `daruma status ${agent} counts the connections that jobs left`,
} as const;

function seenOf(
  key: string,
  { quantity, agent, value, limit }: BoundedQuantity,
  { perMinuteBytes, leftMs }: Leak,
  now: number,
) {
  const perHour = perMinuteBytes * 60;
  const text =
    quantity === 'pool'
      ? `pools of ${agent} run dry: ${value} of ${limit} connections are held, ${perHour.toFixed(1)} an hour more`
      : `${WHAT[quantity]} grows by ${formatSize(perHour)} an hour: ${formatSize(value)} of ${formatSize(limit)}`;
  const seen: SeenWarning = {
    ...{ fingerprint: key, agent, quantity, word: 'leaking', text },
    next: NEXT[quantity](agent),
    hitsAt: now + leftMs,
  };
  return seen;
}

function fullSeen(before: SeenWarning, { quantity, agent, value, limit }: BoundedQuantity, now: number): SeenWarning {
  const text =
    quantity === 'pool'
      ? `pools of ${agent} are dry: ${value} of ${limit} connections are held`
      : `${WHAT[quantity]} is at its limit: ${formatSize(value)} of ${formatSize(limit)}`;
  return { ...before, text, hitsAt: now };
}

interface HostQuantityNeeds {
  room(): Promise<MachineResources>;
  facts: { store: { file: string }; logFolder: string };
  workers: Pick<Workers, 'view'>;
}

/** A write-ahead log that is longer was not shortened for long. */
const MOST_WAL = GB;

/** The quantities of a host: its memory and disk, the files that grow, and the pools of agents. */
export async function readQuantities({ room, facts, workers }: HostQuantityNeeds): Promise<BoundedQuantity[]> {
  const { memoryFree, memoryTotal, diskFree, diskTotal } = await room();
  const wal = sizeOf(`${facts.store.file}-wal`);
  const logs = sizeOfFolder(facts.logFolder);
  const byAgent = Map.groupBy(workers.view().workers, ({ agent }) => agent);
  const pools = [...byAgent].flatMap(([agent, those]): BoundedQuantity[] => {
    const use = sumOfUse(those.flatMap(({ pools: one }) => one ?? []));
    return use ? [{ quantity: 'pool', agent, value: use.held, limit: use.max }] : [];
  });
  const host = { agent: null } as const;
  return [
    { ...host, quantity: 'memory', value: memoryTotal - memoryFree, limit: memoryTotal },
    { ...host, quantity: 'disk', value: diskTotal - diskFree, limit: diskTotal },
    { ...host, quantity: 'wal', value: wal, limit: Math.min(MOST_WAL, wal + diskFree) },
    { ...host, quantity: 'logs', value: logs, limit: logs + diskFree },
    ...pools,
  ];
}

function sizeOf(file: string): number {
  return lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The bytes of the files in a folder; 0 of a folder that is not there. */
function sizeOfFolder(folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
  } catch {
    return 0;
  }
}
