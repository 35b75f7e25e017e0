import { createInputCheck } from '../../catalog/files/input-check.ts';
import type { Catalog } from '../../catalog/ports.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { subject } from '../../kernel/subjects.ts';
import type { DeliveriesView } from '../../operations/results/delivery.ts';
import type { EventStore, KeptEvent } from '../../telemetry/ports.ts';
import { ANSWERED_DELIVERY_EVENT, type Hooks } from '../hooks/hooks.ts';
import { type RefusedDelivery, readRefusals } from '../hooks/refusals.ts';
import type { HostContext } from '../host-context.ts';
import { mustTakeSend } from '../pressure.ts';
import { type OpCall, type OpTable, whoOf } from './handlers.ts';
import { agentInForce, agentInForceOrNot } from './known.ts';
import { viewJob } from './views.ts';

type DeliveryRow = DeliveriesView['deliveries'][number];

interface DeliveryNeeds {
  store: Pick<JobRecords, 'list'> & Pick<EventStore, 'events'>;
  catalog: Pick<Catalog, 'agents' | 'listings'>;
  /** The installation, absolute. */
  folder: string;
  /** undefined: no host is at work, and nothing is counted. */
  hooks?: Pick<Hooks, 'unproven'>;
}

/** Answers `deliveries` out of the store, where the jobs are, and out of the folder of refused deliveries. */
export function deliveryLookup({ store, catalog, hooks, folder }: DeliveryNeeds): Pick<OpTable, 'deliveries'> {
  return {
    async deliveries({ agent, limit }) {
      const jobsOf = (name: string) => store.list({ agent: name, ofDeliveries: true, limit });
      if (agent !== undefined) await agentInForceOrNot(catalog, agent, async () => (await jobsOf(agent)).length > 0);
      const takers = [...catalog.agents().values()].filter(({ webhook }) => webhook).map(({ name }) => name);
      const jobs = await Promise.all((agent === undefined ? takers : [agent]).map(jobsOf));
      const answered = await store.events({
        kind: ANSWERED_DELIVERY_EVENT,
        limit,
        ...(agent === undefined ? {} : { agent }),
      });
      const kept = (await readRefusals(folder)).filter((one) => agent === undefined || one.agent === agent);
      const refused = kept.filter(isProven).map(rowOfRefusal);
      const rows = [...jobs.flat().map(rowOfJob), ...answered.map(rowOfEvent), ...refused];
      const counted = (hooks?.unproven() ?? []).filter((one) => agent === undefined || one.agent === agent);
      return {
        deliveries: rows.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit),
        unproven: unprovenRows(
          counted,
          kept.filter((one) => !isProven(one)),
        ),
      };
    },
  };
}

/** The operation that gives an agent a delivery once more. */
export function deliveryOps({ store, catalog, jobs, events, hooks, pressure }: HostContext): Pick<OpTable, 'deliver'> {
  const inputCheck = createInputCheck();

  function recordRepeat(agent: string, job: string, of: string, call: Pick<OpCall, 'by'>) {
    const message = `the delivery of ${of} was given to ${agent} once more, as ${job}`;
    const who = given({ who: whoOf(call) });
    events.record('info', {
      kind: 'delivery.repeated',
      agent,
      message,
      data: { job, of },
      about: [subject.job(job)],
      ...who,
    });
  }

  return {
    async deliver({ job: id }, call) {
      if (isRefusalId(id)) {
        const job = (await store.get(await hooks.again(id)))!;
        recordRepeat(job.agent, job.id, id, call);
        return viewJob(job);
      }
      const job = await store.get(id);
      if (!job) throw jobUnknown(id);
      if (job.trigger !== 'webhook') throw notDelivered(id);
      const agent = agentInForce(catalog, job.agent);
      const wrong = inputCheck(agent, job.input);
      if (wrong) throw new Fault(wrong);
      mustTakeSend(pressure, { how: 'this delivery is', to: [agent] });
      const { name, limits } = agent;
      // Without its key: the delivery has made a job already.
      const [added] = await jobs.add([
        { agent: name, trigger: 'webhook', input: job.input, attempts: limits.attempts },
      ]);
      recordRepeat(name, added!.id, id, call);
      return viewJob((await store.get(added!.id))!);
    },
  };
}

/** Deliveries of each kind that proved nothing, shown with their headers. */
const MOST_NEWEST = 5;

const isProven = ({ id }: RefusedDelivery) => id.startsWith('refused-');
const isRefusalId = (id: string) => /^(?:refused|unproven)-/.test(id);

/** How the input of a delivery begins: it is not parsed for its first field. */
const EVENT = /^\{"event":("(?:[^"\\]|\\.){0,400}")/;

function rowOfJob({ id, agent, state, key, queuedAt, input }: Job): DeliveryRow {
  const event = EVENT.exec(input ?? '')?.[1];
  return {
    at: isoOf(queuedAt),
    agent,
    is: 'queued',
    event: event === undefined ? null : (JSON.parse(event) as string),
    delivery: key,
    job: id,
    state,
    reason: null,
    refusal: null,
  };
}

function rowOfEvent({ at, agent, data }: KeptEvent): DeliveryRow {
  const { event, delivery } = (data ?? {}) as { event?: string; delivery?: string };
  return {
    at: isoOf(at),
    agent: agent ?? '',
    is: 'answered',
    event: event ?? null,
    delivery: delivery ?? null,
    job: null,
    state: null,
    reason: null,
    refusal: null,
  };
}

function rowOfRefusal({ id, at, agent, message, headers }: RefusedDelivery): DeliveryRow {
  return {
    at: isoOf(at),
    agent: agent ?? '',
    is: 'refused',
    event: headers['x-github-event'] ?? null,
    delivery: headers['x-github-delivery'] ?? headers['idempotency-key'] ?? null,
    job: null,
    state: null,
    reason: message,
    refusal: id,
  };
}

/** Newest first; deliveries that an earlier host kept are counted by none. */
function unprovenRows(
  counted: ReturnType<Hooks['unproven']>,
  kept: readonly RefusedDelivery[],
): DeliveriesView['unproven'] {
  const keyOf = ({ agent, reason }: { agent: string | null; reason: string }) => `${agent} ${reason}`;
  const newest = Map.groupBy(kept, keyOf);
  const earlier = [...newest.values()].map(([last]) => ({ ...last!, count: 0, lastAt: last!.at }));
  const isCounted = new Set(counted.map(keyOf));
  return [...counted, ...earlier.filter((one) => !isCounted.has(keyOf(one)))]
    .map(({ agent, reason, count, lastAt }) => ({
      agent,
      reason,
      count,
      lastAt: isoOf(lastAt),
      newest: (newest.get(keyOf({ agent, reason })) ?? [])
        .slice(0, MOST_NEWEST)
        .map(({ at, headers, bytes }) => ({ at: isoOf(at), headers: { ...headers }, bytes })),
    }))
    .sort((a, b) => (a.lastAt < b.lastAt ? 1 : -1));
}

function notDelivered(id: string): Fault {
  const message = `${id} is not the job of a delivery`;
  return new Fault({
    code: 'DELIVERY_UNKNOWN',
    message,
    next: 'daruma deliveries; daruma replay runs other jobs again',
  });
}
