import type { Catalog } from '../../catalog/ports.ts';
import type { EventView, WhyView } from '../../control/protocol.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobDetail, JobRecords } from '../../jobs/ports.ts';
import { nextTimes, timetableOf } from '../../kernel/cron/timetable.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import { explainSlot, slotNear } from '../../schedule/why.ts';
import type { MetricStore } from '../../telemetry/meter/ports.ts';
import type { AggregateStore, EventStore, FigureStore, JobRun, KeptEvent } from '../../telemetry/ports.ts';
import { type BillNeeds, billLookup } from '../bill/bills.ts';
import { orphanProblem } from '../orphans.ts';
import { type WarningReads, warningLookup } from '../warnings/op.ts';
import { type BatchReads, batchLookups } from './batches.ts';
import type { OpTable } from './handlers.ts';
import { type HoldUps, holdUpSentence } from './hold-ups.ts';
import { type IncidentReads, incidentLookups, withoutDrills } from './incidents.ts';
import { agentInForceOrNot, instantOf, listingOf } from './known.ts';
import { seriesLookup } from './series.ts';
import { trendLookup } from './trends.ts';
import { viewJob } from './views.ts';

/** Operations that read the store, whether the host runs or not. */
type Lookups = Pick<
  OpTable,
  | 'jobs'
  | 'runs'
  | 'events'
  | 'why'
  | 'slots'
  | 'dlq'
  | 'incidents'
  | 'incident'
  | 'trends'
  | 'hostLoad'
  | 'series'
  | 'warnings'
  | 'bills'
  | 'batchPlan'
  | 'batches'
  | 'batch'
  | 'batchItems'
> & {
  job(args: { id: string }): ReturnType<OpTable['job']>;
};

export function createLookups(needs: LookupNeeds): Lookups {
  const { store, catalog, holdUpsOf } = needs;
  const viewAll = async (jobs: readonly (Job | JobDetail)[]) => {
    const holdUps = await holdUpsOf?.(jobs);
    return jobs.map((job, at) => ({ ...viewJob(job), ...(holdUps ? { holdUp: holdUps[at]! } : {}) }));
  };

  return {
    ...incidentLookups(needs),
    ...trendLookup(needs),
    ...seriesLookup(needs),
    ...warningLookup(needs),
    ...billLookup(needs),
    ...batchLookups(needs),
    async jobs({ agent, states, since, cause, text, before, limit, drills }) {
      if (agent !== undefined && !isDrillAgent(agent))
        await agentInForceOrNot(catalog, agent, () => hasJobs(store, agent));
      const list = await store.list({
        limit,
        ...(agent === undefined ? withoutDrills(drills) : { agent }),
        ...given({ states }),
        ...(since === undefined ? {} : { since: instantOf(since) }),
        ...given({ cause, text, before }),
      });
      return viewAll(list);
    },

    async runs({ agent, limit }) {
      const agents = agent === undefined ? catalog.listings().map(({ name }) => name) : [agent];
      const byAgent = Map.groupBy(await store.runs(agents, limit), (run) => run.agent);
      return agents.map((name) => ({ agent: name, runs: (byAgent.get(name) ?? []).reverse().map(viewRun) }));
    },

    async events({ agent, kind, since, cause, limit }) {
      if (cause !== undefined) return await causeLine(store, cause, limit);
      const found = await store.events({
        limit,
        ...given({ agent, kind, since: since === undefined ? undefined : instantOf(since) }),
      });
      return found.map(viewEvent);
    },

    async job({ id }) {
      const job = await store.get(id);
      if (!job) throw jobUnknown(id);
      return (await viewAll([job]))[0]!;
    },

    why: ({ agent, at }) => whyOf(needs, agent, at === undefined ? undefined : instantOf(at)),

    async slots({ agent, from, to, states }) {
      const slots = await store.slots({
        from: instantOf(from),
        to: instantOf(to),
        ...given({ agent, states }),
      });
      return slots.map(({ agent, due, state, reason, job }) => ({ agent, due: isoOf(due), state, reason, job }));
    },

    async dlq({ drills }) {
      const groups = (await store.deadByCause()).filter(({ agent }) => drills || !isDrillAgent(agent));
      return groups.map(({ firstAt, lastAt, example, ...group }) => ({
        ...group,
        firstAt: isoOf(firstAt),
        lastAt: isoOf(lastAt),
        example: viewJob(example),
      }));
    },
  };
}

/** The needs of operations that read the store, whether the host runs or not. */
interface LookupNeeds extends Pick<BillNeeds, 'timezone'>, Pick<WarningReads, 'earlyWarnings'> {
  time: Time;
  store: BillNeeds['store'] &
    Pick<JobRecords, 'list' | 'get' | 'deadByCause'> &
    Pick<FigureStore, 'runs'> &
    Pick<AggregateStore, 'aggregates' | 'aggregateSums'> &
    Pick<MetricStore, 'metrics'> &
    WarningReads['store'] &
    Pick<EventStore, 'events' | 'causesOf'> &
    Pick<SlotStore, 'slots'> &
    BatchReads &
    IncidentReads;
  catalog: Pick<Catalog, 'listings' | 'agents'>;
  /** Why a job does not start; undefined while the host is down. */
  holdUpsOf?: HoldUps;
}

/** Windows in which a slot is looked for, back from a time; the last is also the window ahead. */
const WINDOWS_MS = [10 * MINUTE_MS, DAY_MS, 62 * DAY_MS];

/** Why an agent did or did not run at a time; without a time: about its newest slot that has come due. */
async function whyOf(needs: LookupNeeds, agent: string, at: number | undefined): Promise<WhyView> {
  const { store, time } = needs;
  const now = time.now();
  const known = await agentInForceOrNot(needs.catalog, agent, () => hasJobs(store, agent));
  const asked = at ?? (await newestBefore(store, agent, now + 1))?.due ?? now;
  const slot = slotNear(await store.slots({ agent, from: asked - MINUTE_MS, to: asked + MINUTE_MS }), asked);
  const near = slot ? {} : await neighbours(store, agent, asked);
  const job = slot?.job ? await store.get(slot.job) : undefined;
  const holdUp = job && (await holdUpWordsOf(needs, job));
  const starts = known && { always: known.always === true, webhook: known.webhook !== undefined, on: known.on };
  const why = explainSlot({ agent, at: asked, now, slot, job, holdUp, schedule: known?.schedule, starts, ...near });
  const more = known
    ? !holdUp && at === undefined
      ? await waitingWords(needs, agent)
      : ''
    : await leftJobs(needs, agent);
  return {
    ...why,
    sentence: more ? `${why.sentence.replace(/\.$/, '')}. ${more}` : why.sentence,
    slot: isoOrNull(why.slot),
    steps: why.steps.map((step) => ({ ...step, at: isoOf(step.at) })),
  };
}

/** Why the job does not start, in a sentence; undefined: nothing holds it up. */
async function holdUpWordsOf({ time, holdUpsOf }: LookupNeeds, job: Job): Promise<string | undefined> {
  const [holdUp] = (await holdUpsOf?.([job])) ?? [];
  return holdUp ? holdUpSentence(holdUp, time.now()) : undefined;
}

/** A sentence about the agent's newest job that waits; empty where nothing holds it up. */
async function waitingWords(needs: LookupNeeds, agent: string): Promise<string> {
  const [job] = await needs.store.list({ agent, states: ['queued', 'retrying'], limit: 1 });
  const holdUp = job && (await holdUpWordsOf(needs, job));
  return holdUp ? `${job.id} waits: ${holdUp}.` : '';
}

/** A sentence about jobs that wait for an agent which is gone; empty when there are none. */
async function leftJobs({ store, catalog }: LookupNeeds, agent: string): Promise<string> {
  const waiting = (await store.list({ agent, states: ['queued', 'retrying'], limit: 1_000 })).length;
  const isListed = catalog.listings().some(({ name }) => name === agent);
  return waiting > 0 && !isListed ? orphanProblem({ agent, waiting }).message : '';
}

/** The slots before and after a time at which there is none. */
async function neighbours(store: LookupNeeds['store'], agent: string, at: number) {
  const [before, [after]] = await Promise.all([
    newestBefore(store, agent, at),
    store.slots({ agent, from: at, to: at + WINDOWS_MS.at(-1)! }),
  ]);
  return given({ before, after });
}

/** Looks back in growing windows: an agent of every second has as many slots in an hour as a daily one in ten years. */
async function newestBefore(store: LookupNeeds['store'], agent: string, to: number) {
  for (const window of WINDOWS_MS) {
    const found = (await store.slots({ agent, from: to - window, to })).at(-1);
    if (found) return found;
  }
  return undefined;
}

async function hasJobs(store: LookupNeeds['store'], agent: string): Promise<boolean> {
  return (await store.list({ agent, limit: 1 })).length > 0;
}

interface NextNeeds {
  time: Time;
  catalog: Pick<Catalog, 'listings' | 'agents'>;
}

/** The schedule of an agent in words, and its next times: computed from the schedule alone, whether the host runs or not. */
export function nextLookup({ time, catalog }: NextNeeds): Pick<OpTable, 'next'> {
  return {
    async next({ agent, n }) {
      listingOf(catalog, agent);
      const spec = catalog.agents().get(agent)?.schedule;
      if (!spec) return { agent, schedule: null, timezone: null, words: null, notes: [], times: [] };
      const { expression: schedule, timezone } = spec;
      const times = nextTimes(timetableOf(spec), time.now(), n).map(isoOf);
      // No other operation needs the words of schedules.
      const { wordsOf } = await import('../../schedule/words.ts');
      return { agent, schedule, timezone, ...wordsOf(spec), times };
    },
  };
}

function viewEvent({ at, data, ...event }: KeptEvent): EventView {
  return { ...event, at: isoOf(at), data: data ?? null };
}

/**
 * The line of causes of an event (`812`) or an incident (`inc-41`), and what came of it, newest first as all events are. Rejects with
 * `EVENT_UNKNOWN`.
 */
async function causeLine(store: Pick<EventStore, 'causesOf'>, of: string, limit: number): Promise<EventView[]> {
  const found = await store.causesOf(/^\d/.test(of) ? { id: Number(of) } : { about: subject.incident(of) }, limit);
  if (found) return [...found.line, ...found.after].map(viewEvent).reverse();
  throw new Fault({
    code: 'EVENT_UNKNOWN',
    message: `no event ${/^\d/.test(of) ? of : `of ${of}`} is kept`,
    next: of.startsWith('inc') ? `daruma incidents ${of}` : 'daruma events',
  });
}

/** A job that has ended, in short. */
function viewRun({ id, state, attempt, startedAt, finishedAt }: JobRun) {
  return { job: id, state, attempt, finishedAt: isoOf(finishedAt), durationMs: Math.max(0, finishedAt - startedAt) };
}
