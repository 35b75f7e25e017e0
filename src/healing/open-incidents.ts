import { toPlainFault } from '../kernel/fault.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import { type IncidentEvent, stepIncident } from './incident-state.ts';
import type { Incident, IncidentStore, Verdict } from './ports.ts';

/** An incident that has not ended, and what is known of it beside its record. */
export interface OpenIncident {
  /** Its `id` is empty until the store gave it one. */
  incident: Incident;
  /** When it was last seen, epoch ms: a job that began before proves nothing. */
  lastAt: number;
  /** The worker that it is about, while one is. */
  worker: string | undefined;
}

/**
 * Keeps the incidents that have not ended. Memory is the truth that decisions are made on; the store follows, in the order
 * of what happened to each. A store that is down costs nothing but the record, which is written as soon as it is up.
 */
export interface OpenIncidents {
  /** Takes over what an earlier run of the host left open. */
  load(): Promise<void>;
  all(): OpenIncident[];
  /** Of an agent (or of the host: null), oldest first. */
  of(agent: string | null): OpenIncident[];
  open(
    facts: Pick<Incident, 'agent' | 'verdict' | 'fingerprint' | 'seen' | 'version' | 'evidence'>,
    worker?: string,
  ): OpenIncident;
  /** Does `work` after everything before it on the same incident, then writes the incident down. Never throws. */
  next(one: OpenIncident, work: () => void | Promise<void>): void;
  /** Applies an event to the incident; to be called in {@link next}. */
  apply(one: OpenIncident, event: IncidentEvent): void;
  /** Ends the incident with `event`, then calls `after`. The same signal is a new incident from now on. */
  end(one: OpenIncident, event: IncidentEvent, after: () => void): void;
  /** An event and a line in the log, as soon as the incident has its id. */
  record(
    one: OpenIncident,
    level: LogLevel,
    kind: string,
    message: (incident: Incident) => string,
    data?: object,
  ): void;
  /** Writes down what the store refused before. */
  retry(): void;
  /** Resolves when everything so far is written or refused. */
  settled(): Promise<void>;
}

interface OpenIncidentsNeeds {
  time: Time;
  log: Log;
  events: Pick<Events, 'record'>;
  store: IncidentStore;
}

interface Shadow {
  work: Promise<void>;
  unrecorded: (() => void)[];
}

const MOST_OPEN = 1_000;

export function createOpenIncidents({ time, log, events, store }: OpenIncidentsNeeds): OpenIncidents {
  const open = new Set<OpenIncident>();
  const shadows = new WeakMap<OpenIncident, Shadow>();
  const unsaved = new Set<OpenIncident>();
  const working = createTasks((error) => log.error('a step of healing failed', { fault: toPlainFault(error) }));

  function shadowOf(one: OpenIncident): Shadow {
    const shadow = shadows.get(one) ?? { work: Promise.resolve(), unrecorded: [] };
    shadows.set(one, shadow);
    return shadow;
  }

  async function save(one: OpenIncident) {
    try {
      const { id, ...rest } = one.incident;
      if (id === '') one.incident = { ...one.incident, id: await store.openIncident(rest) };
      else await store.updateIncident(one.incident);
    } catch (error) {
      const fault = toPlainFault(error);
      // One that the store does not know any more would be refused for ever.
      if (fault.code === 'INCIDENT_UNKNOWN') return;
      if (unsaved.size === 0) log.error('an incident could not be written down; trying on', { fault });
      unsaved.add(one);
      return;
    }
    unsaved.delete(one);
    for (const record of shadowOf(one).unrecorded.splice(0)) record();
  }

  function next(one: OpenIncident, work: () => void | Promise<void>) {
    const shadow = shadowOf(one);
    const done = shadow.work
      .then(work)
      .catch((error: unknown) => log.error('a step of healing failed', { fault: toPlainFault(error) }))
      .then(() => save(one));
    shadow.work = done;
    working.add(done);
  }

  function apply(one: OpenIncident, event: IncidentEvent) {
    one.incident = stepIncident(one.incident, event);
  }

  return {
    async load() {
      open.clear();
      const found = await store.incidents({ states: ['open', 'escalated'], limit: MOST_OPEN });
      for (const incident of found.reverse()) open.add({ incident, lastAt: lastSign(incident), worker: undefined });
    },
    all: () => [...open],
    of: (agent) => [...open].filter((one) => one.incident.agent === agent),
    open(facts, worker) {
      const at = time.now();
      const one: OpenIncident = {
        incident: {
          ...facts,
          id: '',
          state: 'open',
          openedAt: at,
          endedAt: null,
          jobs: [],
          remedies: [],
          timeline: [{ at, what: 'seen', text: facts.seen }],
          repeats: 0,
          note: null,
        },
        lastAt: at,
        worker,
      };
      open.add(one);
      next(one, () => {});
      return one;
    },
    next,
    apply,
    end(one, event, after) {
      open.delete(one);
      next(one, () => {
        apply(one, event);
        after();
      });
    },
    record(one, level, kind, message, data = {}) {
      shadowOf(one).unrecorded.push(() => {
        const { id: incident, agent, verdict } = one.incident;
        events.record(level, { kind, agent, message: message(one.incident), data: { incident, verdict, ...data } });
      });
    },
    retry() {
      for (const one of unsaved) next(one, () => {});
    },
    settled: working.settled,
  };
}

function lastSign({ openedAt, timeline }: Incident): number {
  return Math.max(openedAt, ...timeline.filter(({ what }) => what === 'seen').map(({ at }) => at));
}

/** The incident of the agent with the same fingerprint. */
export function withFingerprint(openIncidents: readonly OpenIncident[], fingerprint: string): OpenIncident | undefined {
  return openIncidents.find(({ incident }) => incident.fingerprint === fingerprint);
}

/** The newest incident of the agent with the verdict. */
export function newestWith(openIncidents: readonly OpenIncident[], verdict: Verdict): OpenIncident | undefined {
  return openIncidents.findLast(({ incident }) => incident.verdict === verdict);
}
