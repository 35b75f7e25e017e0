import type { Catalog } from '../../catalog/ports.ts';
import {
  type Batch,
  type BatchAct,
  type BatchOrder,
  type BatchStore,
  decideItem,
  MOST_ITEMS,
  STATES_OF_ACTS,
} from '../../jobs/batch.ts';
import { batchUnknown } from '../../jobs/faults.ts';
import type { JobId, JobState } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { DRILL_PREFIX } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import type { Time } from '../../kernel/time.ts';
import type { BatchView } from '../../operations/results/batch.ts';
import type { Ops } from '../../operations/table.ts';
import type { OpTable } from './handlers.ts';
import { instantOf } from './known.ts';

/** The jobs that are meant, as an operation names them. */
export type AskedJobs = Pick<Ops['batchPlan']['read'], 'ids' | 'agent' | 'cause' | 'states' | 'since' | 'text'> & {
  stale: boolean;
  reason?: string | undefined;
};

/** Where a person names no states: those that mostly are meant. */
const USUAL_STATES: Readonly<Record<BatchAct, readonly JobState[]>> = { ...STATES_OF_ACTS, replay: ['dead'] };

/** The order of an act on jobs. Throws a `Fault` `STATES_UNFIT` for states that no job can be in for the act. */
export function batchOrderOf(act: BatchAct, asked: AskedJobs): BatchOrder {
  const { ids, agent, cause, since, text, stale, reason } = asked;
  const isNamed = ids !== undefined;
  const states = [...(asked.states ?? (isNamed ? STATES_OF_ACTS : USUAL_STATES)[act])];
  const unfit = states.filter((state) => !STATES_OF_ACTS[act].includes(state));
  if (unfit.length > 0) {
    const message = `a ${act} is for jobs that are ${STATES_OF_ACTS[act].join(' or ')}, not ${unfit.join(', ')}`;
    throw new Fault({ code: 'STATES_UNFIT', message, next: 'leave the states out, or name others' });
  }
  const filter = isNamed
    ? {}
    : { ...(agent === undefined ? { exceptPrefix: DRILL_PREFIX } : { agent }), ...given({ cause, text }) };
  const from = isNamed || since === undefined ? {} : { since: instantOf(since) };
  return { act, set: { states, ...filter, ...from }, isNamed, reason: reason ?? null, withStale: stale };
}

/** How many jobs an order means now, how many of them are stale, and the first of their ids. */
interface MeantJobs {
  count: number;
  stale: number;
  jobs: JobId[];
}

export type BatchReads = Pick<BatchStore, 'batch' | 'batches' | 'batchItems' | 'countStale'> &
  Pick<JobRecords, 'ids' | 'count' | 'get'>;

interface PlanNeeds {
  time: Pick<Time, 'now'>;
  store: BatchReads;
  catalog: Pick<Catalog, 'agents'>;
}

/** The number of ids that an answer names. */
export const MOST_NAMED = 1_000;

/** Finds the jobs that an order means, and changes nothing. Rejects with `BATCH_TOO_LARGE`. */
export async function meantBy(needs: PlanNeeds, order: BatchOrder, named: readonly JobId[]): Promise<MeantJobs> {
  const { store } = needs;
  const terms = { now: needs.time.now(), staleAfterMs: staleTimes(needs.catalog) };
  if (order.isNamed) return meantOfNamed(store, order, named, terms);
  const count = (await store.count(order.set)).reduce((sum, one) => sum + one.count, 0);
  if (count > MOST_ITEMS) throw tooLarge(count);
  const stale = order.act === 'replay' && count > 0 ? await store.countStale(order.set, terms) : 0;
  return { count, stale, jobs: count > 0 ? await store.ids({ ...order.set, limit: MOST_NAMED }) : [] };
}

async function meantOfNamed(
  store: Pick<JobRecords, 'get'>,
  order: BatchOrder,
  named: readonly JobId[],
  { now, staleAfterMs }: { now: number; staleAfterMs: Record<string, number> },
): Promise<MeantJobs> {
  const jobs: JobId[] = [];
  let stale = 0;
  for (const id of new Set(named)) {
    const job = await store.get(id);
    const facts = { now, staleAfterMs: staleAfterMs[job?.agent ?? ''] };
    const { is } = decideItem({ ...order, withStale: false }, job?.attempt ?? 0, job, facts);
    if (is === 'stale') stale += 1;
    if (is !== 'gone') jobs.push(id);
  }
  return { count: jobs.length, stale, jobs };
}

/** How long jobs of agents in force are of use, in ms; agents without such a limit are left out. */
export function staleTimes({ agents }: Pick<Catalog, 'agents'>): Record<string, number> {
  const times = [...agents()].flatMap(([name, { limits }]) =>
    limits.staleAfterMs === undefined ? [] : [[name, limits.staleAfterMs] as const],
  );
  return Object.fromEntries(times);
}

/** A batch as clients see it. */
export function viewBatch(batch: Batch): BatchView {
  const { id, act, state, startedAt, endedAt, total, results, set, isNamed, reason, withStale } = batch;
  const { done, stale, gone, failed } = results;
  const { states, agent, cause, since, text } = set;
  return {
    ...{ id, act, state, startedAt: isoOf(startedAt), endedAt: isoOrNull(endedAt), total },
    ...{ done, stale, gone, failed, left: total - done - stale - gone - failed },
    named: isNamed,
    filter: { states, ...given({ agent, cause, text }), ...(since === undefined ? {} : { since: isoOf(since) }) },
    reason,
    withStale,
  };
}

/** Operations that read batches, whether the host runs or not. */
export function batchLookups(needs: PlanNeeds): Pick<OpTable, 'batchPlan' | 'batches' | 'batch' | 'batchItems'> {
  const { store } = needs;
  async function batchBy(id: string): Promise<Batch> {
    const batch = await store.batch(id);
    if (batch) return batch;
    throw batchUnknown(id);
  }
  return {
    async batchPlan({ act, ...asked }) {
      const order = batchOrderOf(act, asked);
      return { act, ...(await meantBy(needs, order, asked.ids ?? [])) };
    },
    batches: async ({ limit }) => (await store.batches({ limit })).map(viewBatch),
    batch: async ({ id }) => viewBatch(await batchBy(id)),
    async batchItems({ id, result, after, limit }) {
      await batchBy(id);
      return store.batchItems(id, { limit, ...given({ result, after }) });
    },
  };
}

function tooLarge(count: number): Fault {
  const message = `${count} jobs match, and a batch has at most ${MOST_ITEMS}`;
  return new Fault({ code: 'BATCH_TOO_LARGE', message, next: 'name an agent, a cause or a time' });
}
