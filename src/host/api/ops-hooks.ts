import { createInputCheck } from '../../catalog/files/input-check.ts';
import type { Catalog } from '../../catalog/ports.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { DeliveriesView } from '../../operations/results/delivery.ts';
import type { EventStore, FleetEvent } from '../../telemetry/ports.ts';
import { ANSWERED_DELIVERY_EVENT, type Hooks, REFUSED_DELIVERY_EVENT } from '../hooks/hooks.ts';
import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { agentInForce, agentInForceOrNot } from './known.ts';
import { viewJob } from './views.ts';

type DeliveryRow = DeliveriesView['deliveries'][number];

interface DeliveryNeeds {
  store: Pick<JobRecords, 'list'> & Pick<EventStore, 'events'>;
  catalog: Pick<Catalog, 'agents' | 'listings'>;
  /** undefined: no host is at work, and nothing is counted. */
  hooks?: Pick<Hooks, 'unproven'>;
}

/** Answers `deliveries` out of the store: jobs are there, and events of what was refused. */
export function deliveryLookup({ store, catalog, hooks }: DeliveryNeeds): Pick<OpTable, 'deliveries'> {
  return {
    async deliveries({ agent, limit }) {
      const jobsOf = (name: string) => store.list({ agent: name, ofDeliveries: true, limit });
      if (agent !== undefined) await agentInForceOrNot(catalog, agent, async () => (await jobsOf(agent)).length > 0);
      const takers = [...catalog.agents().values()].filter(({ webhook }) => webhook).map(({ name }) => name);
      const jobs = await Promise.all((agent === undefined ? takers : [agent]).map(jobsOf));
      const kinds = [REFUSED_DELIVERY_EVENT, ANSWERED_DELIVERY_EVENT];
      const events = await Promise.all(
        kinds.map((kind) => store.events({ kind, limit, ...(agent === undefined ? {} : { agent }) })),
      );
      const rows = [...jobs.flat().map(rowOfJob), ...events.flat().map(rowOfEvent)];
      const unproven = hooks?.unproven() ?? [];
      return {
        deliveries: rows.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, limit),
        unproven: unproven
          .filter((one) => agent === undefined || one.agent === agent)
          .map(({ lastAt, ...one }) => ({ ...one, lastAt: isoOf(lastAt) })),
      };
    },
  };
}

/** The operation that gives an agent a delivery once more. */
export function deliveryOps({ store, catalog, jobs, events }: HostContext): Pick<OpTable, 'deliver'> {
  const inputCheck = createInputCheck();
  return {
    async deliver({ job: id }) {
      const job = await store.get(id);
      if (!job) throw jobUnknown(id);
      if (job.trigger !== 'webhook') throw notDelivered(id);
      const agent = agentInForce(catalog, job.agent);
      const wrong = inputCheck(agent, job.input);
      if (wrong) throw new Fault(wrong);
      const { name, limits } = agent;
      // Without its key: the delivery has made a job already.
      const [added] = await jobs.add([
        { agent: name, trigger: 'webhook', input: job.input, attempts: limits.attempts },
      ]);
      const message = `the delivery of ${id} was given to ${name} once more, as ${added!.id}`;
      events.record('info', { kind: 'delivery.repeated', agent: name, message, data: { job: added!.id, of: id } });
      return viewJob((await store.get(added!.id))!);
    },
  };
}

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
  };
}

function rowOfEvent({ at, kind, agent, data }: FleetEvent): DeliveryRow {
  const { event, delivery, reason } = (data ?? {}) as { event?: string; delivery?: string; reason?: string };
  return {
    at: isoOf(at),
    agent: agent ?? '',
    is: kind === REFUSED_DELIVERY_EVENT ? 'refused' : 'answered',
    event: event ?? null,
    delivery: delivery ?? null,
    job: null,
    state: null,
    reason: reason ?? null,
  };
}

function notDelivered(id: string): Fault {
  const message = `${id} is not the job of a delivery`;
  return new Fault({
    code: 'DELIVERY_UNKNOWN',
    message,
    next: 'daruma deliveries; daruma replay runs other jobs again',
  });
}
