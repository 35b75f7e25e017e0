import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { createOrigins } from '../gateway/origins/origins.ts';
import type { CallAttempt, Origins } from '../gateway/origins/ports.ts';
import type { OriginSettings } from '../gateway/origins/terms.ts';
import type { Incident, OutageSource } from '../healing/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import type { HoldUp } from '../jobs/waiting.ts';
import { Fault, type PlainFault } from '../kernel/fault.ts';
import { notInNeeds } from '../kernel/needs-fault.ts';
import { type Admission, type CallEnd, isOrigin, ORIGIN_DOWN, type OriginDown, originOf } from '../kernel/origin.ts';
import type { Time } from '../kernel/time.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Meter } from '../telemetry/meter/meter.ts';
import { type HostAllowList, hostAllowListOf, portOf } from '../workers/host-allow-list.ts';
import type { WorkerCall } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';

/** The calls that agents make to other servers, wired to the rooms: workers ask, jobs wait, healing hears of outages. */
export interface Outbound extends Pick<Origins, 'view'> {
  /** The same records for the model gateway, which asks the providers of models for agents. */
  providers: Pick<Origins, 'admit' | 'callEnded' | 'stateOf'>;
  /** Throws `NOT_IN_NEEDS` for an origin that is not in the agent's `needs.net`. */
  admit(call: WorkerCall & { ask: 'admit' }, by: Agent): Admission;
  /** Throws `NOT_IN_NEEDS` as `admit` does: what an agent may not reach, its word cannot shut for others. */
  callEnded(call: WorkerCall & { ask: 'fetched' }, by: Agent): OriginDown | null;
  heldUp(ref: AttemptRef, agent: string, fault: PlainFault): HoldUp | undefined;
  ended(attempts: readonly CallAttempt[]): void;
  /** The set of agents has changed: origins that no agent asks for any more are forgotten. Of an origin that is down, the agents that met the outage count. */
  use(): void;
  /** Outages, for healing. */
  outageSource: OutageSource;
  /** Origins that were down when the host before this one ended are looked at first. */
  takeOver(incidents: readonly Incident[]): void;
}

interface OutboundNeeds {
  time: Time;
  journal: Pick<Journal, 'child'>;
  settings: { origins: OriginSettings; models: Pick<HostSettings['models'], 'chain'> };
  runnableAgents(): ReadonlyMap<string, Agent>;
  bus: Pick<HostBus, 'emit'>;
  meter: Pick<Meter, 'count'>;
}

/** The status of an answer that says: too many requests. */
const TOO_MANY = 429;
/** Origins of an agent that are series of their own. */
const MOST_ORIGINS = 20;
/** Origins that `status` shows, at most. */
const MOST_REPORTED = 100;

export function createOutbound({ time, journal, settings, runnableAgents, bus, meter }: OutboundNeeds): Outbound {
  const origins = createOrigins({
    time,
    log: journal.child('gateway'),
    settings: () => settings.origins,
    changed: () => bus.emit('origin.changed', undefined),
  });
  const providers = new Set(settings.models.chain.map(({ url }) => originOf(url)));
  const labelOf = createOriginLabels();
  const reach = new WeakMap<readonly string[], HostAllowList>();

  /** Whether the agent's `needs.net` names an origin. */
  function mayReachOf(net: readonly string[]): (origin: string) => boolean {
    const may = reach.get(net) ?? hostAllowListOf(net);
    reach.set(net, may);
    return (origin) => {
      const url = new URL(origin);
      return may(url.hostname, portOf(url));
    };
  }

  function reachOf({ name, needs }: Agent, origin: string) {
    const mayReach = mayReachOf(needs.net);
    if (mayReach(origin)) return mayReach;
    throw new Fault(notInNeeds({ agent: name, need: 'net', asked: new URL(origin).host }));
  }

  return {
    providers: origins,
    admit({ ask: _, again, ...call }, by) {
      const mayReach = reachOf(by, call.origin);
      const admission = origins.admit({ ...call, mayReach });
      const of = { agent: by.name, labels: { origin: labelOf(by.name, call.origin) } };
      if (admission.is === 'down') meter.count('calls.saved', of);
      else if (again) meter.count('calls.retried', of);
      return admission;
    },
    callEnded(call, by) {
      reachOf(by, call.origin);
      countEnd(meter, { agent: by.name, origin: labelOf(by.name, call.origin) }, call.end);
      return origins.callEnded(call);
    },
    heldUp(ref, name, { code }) {
      const mayReach = mayReachOf(runnableAgents().get(name)?.needs.net ?? []);
      const held = code === ORIGIN_DOWN ? origins.heldUp(ref, { agent: name, mayReach }) : undefined;
      return held && { until: held.until, waitsFor: held.origin };
    },
    ended: origins.ended,
    view: () => origins.view().slice(0, MOST_REPORTED),
    outageSource: origins,
    use() {
      const agents = runnableAgents();
      const affected = new Map(origins.outages().map(({ origin, agents: names }) => [origin, names]));
      const reaches = (name: string, origin: string) => mayReachOf(agents.get(name)?.needs.net ?? [])(origin);
      const forgotten = origins.view().filter(({ origin }) => {
        if (providers.has(origin)) return false;
        const names = affected.get(origin) ?? [];
        // The agents that met an outage from before the host started are not known.
        return ![...(names.length > 0 ? names : agents.keys())].some((name) => reaches(name, origin));
      });
      for (const { origin } of forgotten) origins.forget(origin);
      if (forgotten.length > 0) bus.emit('origin.changed', undefined);
    },
    takeOver(incidents) {
      for (const { verdict, evidence, openedAt } of incidents) {
        const origin = evidence?.fault?.data?.origin;
        if (verdict === 'failing-over' && typeof origin === 'string' && isOrigin(origin))
          origins.suspect(origin, openedAt);
      }
    },
  };
}

/** Counts a call that was sent, by its end; `refused`: the server had no room for it. */
function countEnd(
  meter: Pick<Meter, 'count'>,
  { agent, origin }: { agent: string; origin: string },
  end: CallEnd,
): void {
  meter.count('calls', { agent, labels: { origin, end: end.is } });
  if (end.is === 'bad' && end.failure.status === TOO_MANY) meter.count('calls.refused', { agent, labels: { origin } });
}

/** The origin, or `other` where the agent has asked many before it: a crawler's servers are no series each. */
function createOriginLabels(): (agent: string, origin: string) => string {
  const known = new Map<string, Set<string>>();
  return (agent, origin) => {
    const own = known.get(agent) ?? new Set();
    known.set(agent, own);
    if (own.size < MOST_ORIGINS) own.add(origin);
    return own.has(origin) ? origin : 'other';
  };
}
