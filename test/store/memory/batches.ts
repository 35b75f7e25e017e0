import {
  type Batch,
  type BatchItem,
  type BatchOrder,
  type BatchStep,
  decideItem,
  type ItemResult,
  REPLAY_PRIORITY,
  whyOfAct,
} from '../../../src/jobs/batch.ts';
import type { JobSet } from '../../../src/jobs/ports.ts';
import type { TestClock } from '../laws/world.ts';
import type { Calls, memoryJobs } from './jobs.ts';

type Item = { job: string; attempt: number; result: ItemResult | null; why: string | null };

/** Batches of a store in memory. */
export function memoryBatches(clock: TestClock, jobs: ReturnType<typeof memoryJobs>) {
  const rows = new Map<string, { batch: Batch; items: Item[] }>();
  let ids = 0;
  const ageOf = (id: string) => Number.parseInt(id.slice(4), 36);
  const rowOf = (id: string) => jobs.all().find(({ job }) => job.id === id);
  const call = (name: string, ...args: unknown[]) => (jobs.calls[name] as (...args: unknown[]) => unknown)(...args);

  function addItems({ batch, items }: { batch: Batch; items: Item[] }, found: readonly string[]) {
    for (const job of found) {
      if (items.some((item) => item.job === job)) continue;
      items.push({ job, attempt: rowOf(job)?.job.attempt ?? 0, result: null, why: null });
      batch.total += 1;
    }
    items.sort((a, b) => ageOf(a.job) - ageOf(b.job));
  }

  function carryOut(batch: Batch, item: Item, step: BatchStep, staleAfterMs: Record<string, number>): void {
    const row = rowOf(item.job);
    const ms = staleAfterMs[row?.job.agent ?? ''];
    const decided = decideItem(batch, item.attempt, row?.job, { now: clock.now, staleAfterMs: ms });
    let result: ItemResult = decided.is === 'act' ? 'done' : decided.is;
    item.why = 'why' in decided ? decided.why : null;
    if (decided.is === 'stale') call('drop', [item.job], whyOfAct('stale', null));
    if (decided.is === 'act') {
      if (batch.act === 'cancel') {
        const { state, attempt } = row!.job;
        call('cancel', item.job, whyOfAct('cancel', batch.reason));
        step.cancelled.push({ job: item.job, state, attempt });
      } else if (batch.act === 'drop') call('drop', [item.job], whyOfAct('drop', batch.reason));
      else if ((call('redrive', [item.job]) as string[]).length > 0) {
        row!.job.priority = Math.min(row!.job.priority, REPLAY_PRIORITY);
        if (!step.queued.includes(row!.job.agent)) step.queued.push(row!.job.agent);
      } else {
        result = 'failed';
        item.why = 'another job has its key by now';
      }
    }
    item.result = result;
    batch.results[result] += 1;
  }

  const calls: Calls = {
    addBatch(order: BatchOrder, named: string[]) {
      const id = `batch-${++ids}`;
      const newest = Math.max(0, ...jobs.all().map(({ age }) => age));
      const batch: Batch = {
        ...order,
        id,
        state: order.isNamed ? 'working' : 'collecting',
        startedAt: clock.now,
        endedAt: null,
        total: 0,
        results: { done: 0, stale: 0, gone: 0, failed: 0 },
        before: `job-${(newest + 1).toString(36)}`,
      };
      const row = { batch, items: [] };
      rows.set(id, row);
      if (order.isNamed) addItems(row, named);
      return id;
    },
    collectBatch(id: string, found: string[], isLast: boolean) {
      const row = rows.get(id);
      if (row?.batch.state !== 'collecting') return;
      addItems(row, found);
      row.batch.before = found.at(-1) ?? row.batch.before;
      if (isLast) row.batch.state = 'working';
    },
    stepBatch(id: string, { most, staleAfterMs }: { most: number; staleAfterMs: Record<string, number> }) {
      const row = rows.get(id);
      const step: BatchStep = { isOver: true, queued: [], cancelled: [] };
      if (row?.batch.state !== 'working') return step;
      const next = row.items.filter(({ result }) => result === null).slice(0, most);
      for (const item of next) carryOut(row.batch, item, step, staleAfterMs);
      step.isOver = next.length < most;
      if (step.isOver) Object.assign(row.batch, { state: 'done', endedAt: clock.now });
      return step;
    },
    cancelBatch(id: string) {
      const row = rows.get(id);
      if (!row || row.batch.endedAt !== null) return false;
      Object.assign(row.batch, { state: 'cancelled', endedAt: clock.now });
      return true;
    },
    batch: (id: string) => rows.get(id)?.batch,
    batches: ({ states, limit }: { states?: string[]; limit: number }) =>
      [...rows.values()]
        .map(({ batch }) => batch)
        .filter(({ state }) => states?.includes(state) ?? true)
        .reverse()
        .slice(0, limit),
    batchItems: (id: string, { result, after, limit }: { result?: ItemResult; after?: string; limit: number }) =>
      (rows.get(id)?.items ?? [])
        .filter((item) => result === undefined || item.result === result)
        .filter(({ job }) => after === undefined || ageOf(job) > ageOf(after))
        .slice(0, limit)
        .map(({ attempt: _, ...item }): BatchItem => {
          const job = rowOf(item.job)?.job;
          return { ...item, agent: job?.agent ?? null, state: job?.state ?? null };
        }),
    countStale(set: JobSet, { now, staleAfterMs }: { now: number; staleAfterMs: Record<string, number> }) {
      const all = call('list', { ...set, limit: 100_000 }) as { id: string }[];
      const terms = { act: 'replay', set, withStale: false } as const;
      return all
        .map(({ id }) => rowOf(id)!.job)
        .filter(
          (job) => decideItem(terms, job.attempt, job, { now, staleAfterMs: staleAfterMs[job.agent] }).is === 'stale',
        ).length;
    },
  };
  return {
    calls,
    prune(before: number, limit: number): number {
      const ended = [...rows].filter(([id, { batch }]) => (batch.endedAt ?? before) < before && id !== `batch-${ids}`);
      const gone = ended.slice(0, limit);
      for (const [id] of gone) rows.delete(id);
      return gone.length;
    },
  };
}
