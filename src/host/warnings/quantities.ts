import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { amountWords } from '../../gateway/models/spend-faults.ts';
import type { SpentBudget } from '../../gateway/models/spend-rules.ts';
import { createEdges, type EdgesNeeds } from '../../healing/edges.ts';
import { createMemoryHistory, type Leak, type MemoryHistory } from '../../healing/forecast.ts';
import { QUARTER_TERMS, riseOf, SPEND_TERMS, STAIR_TERMS } from '../../healing/long-look.ts';
import type { MachineResources } from '../../healing/machine-resources.ts';
import { GB, HOUR_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import { formatSize } from '../../kernel/units.ts';
import { fingerprintOfWarning, type SeenWarning } from '../../telemetry/warnings/warning.ts';
import { sumOfUse } from '../../workers/pool-use.ts';
import type { Workers } from '../../workers/ports.ts';
import type { WarningSource } from './warnings.ts';

/** A quantity that has a limit, as it is now. */
export interface BoundedQuantity {
  quantity: 'memory' | 'disk' | 'wal' | 'logs' | 'pool' | 'spend';
  /** null: the host. */
  agent: string | null;
  /** Bytes; of a pool connections, of a budget calls, tokens or micros. */
  value: number;
  limit: number;
  /** A budget begins anew with each day; `end`: of the day, epoch ms. A limit that the day does not reach is none. */
  budget?: { which: SpentBudget['which']; day: string; end: number };
}

interface QuantityNeeds extends EdgesNeeds {
  time: Time;
  read(): Promise<readonly BoundedQuantity[]> | readonly BoundedQuantity[];
}

/** A rise that has reached its limit goes on no more, and is not over. */
const FULL_SHARE = 0.95;
/** Spend never falls: a loop that begins at noon is not seen beside the two hours before it. */
const SPEND_BACK_MS = HOUR_MS;
/** Work of a day ends by itself: a budget that lasts longer is no matter of now. */
const SPEND_AHEAD_MS = 3.5 * HOUR_MS;
/** The long look speaks when a quarter of an hour is complete: what it said counts until the one after the next. */
const FOUND_FOR_MS = 40 * MINUTE_MS;

/** Follows quantities to their limits, by the looks that follow memory: the forecast of hours, and the edges of two days. Reads the quantities at each look. */
export function createQuantitySource({ time, log, store, read }: QuantityNeeds): WarningSource {
  const edges = createEdges({ time, log, store }, 'quantity');
  const histories = new Map<string, { series: string; history: MemoryHistory }>();
  const found = new Map<string, { at: number; series: string; seen: SeenWarning }>();
  let isLoaded = false;

  function lookAt(key: string, { quantity, value, limit, budget }: BoundedQuantity): Leak | null {
    const series = seriesOf(key, budget);
    const known = histories.get(key);
    const { history } = known?.series === series ? known : { history: createMemoryHistory(budget && SPEND_BACK_MS) };
    histories.set(key, { series, history });
    const isEdgeDone = edges.add(key, series, value);
    const terms = quantity === 'pool' ? STAIR_TERMS : budget ? SPEND_TERMS : QUARTER_TERMS;
    const now = time.now();
    const rise = riseOf(history.add(time.monotonic(), value, limit), edges.of(key), {
      now,
      limit,
      series,
      isEdgeDone,
      terms,
    });
    if (rise && budget && rise.leftMs > Math.min(SPEND_AHEAD_MS, budget.end - now)) return null;
    return rise;
  }

  return async () => {
    if (!isLoaded) await edges.load();
    isLoaded = true;
    const quantities = new Map((await read()).map((one) => [keyOf(one), one]));
    const now = time.now();
    for (const [key, one] of quantities) {
      const rise = one.limit > 0 ? lookAt(key, one) : null;
      const before = found.get(key);
      if (rise) found.set(key, { at: now, series: seriesOf(key, one.budget), seen: seenOf(one, rise, now) });
      else if (before && one.value >= FULL_SHARE * one.limit)
        found.set(key, { ...before, at: now, seen: fullSeen(before.seen, one, now) });
    }
    for (const [key, { at, series }] of found) {
      const one = quantities.get(key);
      if (!one || now - at > FOUND_FOR_MS || seriesOf(key, one.budget) !== series) found.delete(key);
    }
    for (const key of histories.keys()) if (!quantities.has(key)) histories.delete(key);
    edges.keep((key) => quantities.has(key));
    return [...found.values()].map(({ seen }) => seen).sort((a, b) => (b.hitsAt ?? 0) - (a.hitsAt ?? 0));
  };
}

/** An agent has several budgets, of which the one that is spent first counts as its warning. */
function keyOf({ quantity, agent, budget }: BoundedQuantity): string {
  const fingerprint = fingerprintOfWarning(quantity, agent);
  return budget ? `${fingerprint}:${budget.which}` : fingerprint;
}

/** The spend of another day is another series. */
function seriesOf(key: string, budget: BoundedQuantity['budget']): string {
  return budget ? `${key} ${budget.day}` : key;
}

const WHAT = {
  memory: 'memory of the machine',
  disk: 'the disk of the store',
  wal: 'the write-ahead log of the store',
  logs: 'the folder of logs',
  spend: 'the spend of models',
} as const;

const NEXT = {
  memory: () => 'daruma doctor; daruma status shows what each agent holds',
  disk: () => 'daruma doctor; du -sh data logs',
  wal: () => 'daruma store check; another program may hold the store open',
  logs: () => 'daruma logs --since 1h shows who writes',
  pool: (agent: string | null) => `daruma status ${agent} counts the connections that jobs left`,
  spend: (agent: string | null) =>
    agent === null
      ? 'daruma models; daruma status shows who spends'
      : `daruma status ${agent} has its bill; daruma pause ${agent}`,
} as const;

function seenOf(one: BoundedQuantity, { perMinuteBytes, leftMs }: Leak, now: number): SeenWarning {
  const { quantity, agent } = one;
  return {
    ...{ fingerprint: fingerprintOfWarning(quantity, agent), agent, quantity, word: 'leaking' },
    ...{ text: textOf(one, perMinuteBytes * 60), next: NEXT[quantity](agent), hitsAt: now + leftMs },
  };
}

function textOf({ quantity, agent, value, limit, budget }: BoundedQuantity, perHour: number): string {
  if (quantity === 'pool')
    return `pools of ${agent} run dry: ${value} of ${limit} connections are held, ${perHour.toFixed(1)} an hour more`;
  if (quantity !== 'spend' || !budget)
    return `${WHAT[quantity]} grows by ${formatSize(perHour)} an hour: ${formatSize(value)} of ${formatSize(limit)}`;
  const { which } = budget;
  const [spent, most, more] = [value, limit, Math.round(perHour)].map((amount) => amountWords(which, amount));
  return `${agent ?? 'all agents together'} will have spent today’s ${which} of models before the day is over: ${spent} of ${most}, ${more} an hour more`;
}

function fullSeen(before: SeenWarning, one: BoundedQuantity, now: number): SeenWarning {
  return { ...before, text: fullText(one), hitsAt: now };
}

function fullText({ quantity, agent, value, limit, budget }: BoundedQuantity): string {
  if (quantity === 'pool') return `pools of ${agent} are dry: ${value} of ${limit} connections are held`;
  if (!budget) return `${WHAT[quantity]} is at its limit: ${formatSize(value)} of ${formatSize(limit)}`;
  const [spent, most] = [value, limit].map((amount) => amountWords(budget.which, amount));
  return `${agent ?? 'all agents together'} spent today’s ${budget.which} of models: ${spent} of ${most}`;
}

interface HostQuantityNeeds {
  room(): Promise<MachineResources>;
  facts: { store: { file: string }; logFolder: string };
  workers: Pick<Workers, 'view'>;
  /** The budgets of today. */
  budgets(): { day: string; end: number; budgets: readonly SpentBudget[] };
}

/** A write-ahead log that is longer was not shortened for long. */
const MOST_WAL = GB;

/** The quantities of a host: its memory and disk, the files that grow, and the pools of agents. */
export async function readQuantities({ room, facts, workers, budgets }: HostQuantityNeeds): Promise<BoundedQuantity[]> {
  const { memoryFree, memoryTotal, diskFree, diskTotal } = await room();
  const wal = sizeOf(`${facts.store.file}-wal`);
  const logs = sizeOfFolder(facts.logFolder);
  const byAgent = Map.groupBy(workers.view().workers, ({ agent }) => agent);
  const pools = [...byAgent].flatMap(([agent, those]): BoundedQuantity[] => {
    const use = sumOfUse(those.flatMap(({ pools: one }) => one ?? []));
    return use ? [{ quantity: 'pool', agent, value: use.held, limit: use.max }] : [];
  });
  const { day, end, budgets: spent } = budgets();
  const spends = spent.map(({ agent, which, spent: value, limit }): BoundedQuantity => {
    return { quantity: 'spend', agent, value, limit, budget: { which, day, end } };
  });
  const host = { agent: null } as const;
  return [
    { ...host, quantity: 'memory', value: memoryTotal - memoryFree, limit: memoryTotal },
    { ...host, quantity: 'disk', value: diskTotal - diskFree, limit: diskTotal },
    { ...host, quantity: 'wal', value: wal, limit: Math.min(MOST_WAL, wal + diskFree) },
    { ...host, quantity: 'logs', value: logs, limit: logs + diskFree },
    ...pools,
    ...spends,
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
