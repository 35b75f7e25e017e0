import type { Owner } from '../jobs/ports.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log, LogLevel } from '../kernel/log.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import { reportEvent } from './incident-reports.ts';
import { type IncidentEvent, stepIncident } from './incident-state.ts';
import type { Incident, IncidentReport, IncidentStore, Verdict } from './ports.ts';

/** An incident that has not ended, and what is known of it beside its record. */
export interface OpenIncident {
  /** The `id` is empty until the store has given the incident one. */
  incident: Incident;
  /** When the signal was last seen, epoch ms: a job that began before proves nothing. */
  lastAt: number;
  /** The worker that it is about, while one is. */
  worker: string | undefined;
  /** The host that writes its record: none yet, this host, or another host that saw the same trouble first. */
  held: 'not yet' | 'here' | 'elsewhere';
}

type IncidentFacts = Pick<Incident, 'agent' | 'verdict' | 'fingerprint' | 'seen' | 'version' | 'evidence'>;

/**
 * Keeps the incidents that this host has seen or holds and that have not ended. Memory is the truth that decisions are made
 * on; the store follows, in the order of what happened to each. A store that is down costs nothing but the record, which is
 * written as soon as the store is up. The record of an incident that another host holds is that host's; the remedies of this
 * host go on.
 */
export interface OpenIncidents {
  /** Takes over what an earlier run of the host left open, or a host that is gone. */
  load(): Promise<void>;
  /**
   * Renews the incidents that this host holds, takes over incidents without a holder, and releases those that a person has
   * ended elsewhere or another host has taken.
   */
  hold(): Promise<void>;
  all(): OpenIncident[];
  /** Of an agent (or of the host: null), oldest first. */
  of(agent: string | null): OpenIncident[];
  open(facts: IncidentFacts, worker?: string): OpenIncident;
  /** Does `work` after everything before it on the same incident, then writes the incident down. Never throws. */
  next(one: OpenIncident, work: () => void | Promise<void>): void;
  /** Applies an event to the incident; to be called in {@link next}. */
  apply(one: OpenIncident, event: IncidentEvent): void;
  /** Ends the incident with `event`, then calls `after`. The same signal is a new incident from now on. */
  end(one: OpenIncident, event: IncidentEvent, after: () => void): void;
  /** An event, written together with the incident, and a line in the log. `words` go on after the incident's id. */
  record(
    one: OpenIncident,
    level: LogLevel,
    kind: string,
    words: (incident: Incident) => string,
    data?: Record<string, unknown>,
    terms?: ReportTerms,
  ): void;
  /** Writes down what the store refused before. */
  retry(): void;
  /** Resolves when everything so far is written or refused. */
  settled(): Promise<void>;
}

type ReportTerms = Pick<IncidentReport, 'who' | 'about' | 'cameOf' | 'isPlain'>;

interface OpenIncidentsNeeds {
  owner: Owner;
  time: Time;
  log: Log;
  events: Pick<Events, 'record' | 'publish' | 'clean'>;
  store: IncidentStore;
}

interface Shadow {
  work: Promise<void>;
  /** Not written down yet. */
  reports: { level: LogLevel; make: (incident: Incident) => IncidentReport }[];
}

/** The store returns at most this many at once: with more, a missing incident may still be held. */
const MOST_HELD = 1_000;
/** A host that is gone lets its incidents go so long after its last turn. */
const HELD_FOR_MS = 60_000;

export function createOpenIncidents({ owner, time, log, events, store }: OpenIncidentsNeeds): OpenIncidents {
  const open = new Set<OpenIncident>();
  const shadows = new WeakMap<OpenIncident, Shadow>();
  const unsaved = new Set<OpenIncident>();
  /** Ended, and not written down yet. */
  const leaving = new Set<OpenIncident>();
  const terms = { owner, leaseMs: HELD_FOR_MS };
  const working = createTasks((error) => log.error('a step of healing failed', { fault: toPlainFault(error) }));

  function shadowOf(one: OpenIncident): Shadow {
    const shadow = shadows.get(one) ?? { work: Promise.resolve(), reports: [] };
    shadows.set(one, shadow);
    return shadow;
  }

  async function save(one: OpenIncident) {
    const { reports } = shadowOf(one);
    const writing = reports.map(({ level, make }) => ({ level, report: events.clean(make(one.incident)) }));
    try {
      await write(
        one,
        writing.map(({ report }) => report),
      );
    } catch (error) {
      const fault = toPlainFault(error);
      if (fault.code === 'INCIDENT_HELD') one.held = 'elsewhere';
      // An incident that the store does not know any more would be refused for ever.
      else if (fault.code !== 'INCIDENT_UNKNOWN') {
        if (unsaved.size === 0) log.error('an incident could not be written down; trying on', { fault });
        unsaved.add(one);
        return;
      }
    }
    unsaved.delete(one);
    if (one.incident.endedAt !== null) leaving.delete(one);
    reports.splice(0, writing.length);
    for (const { level, report } of writing) {
      const event = reportEvent(one.incident, report);
      if (one.held === 'here') events.publish(level, event);
      // The other host reports the incident; what a room of this host did is told by this host.
      else if (report.isPlain) events.record(level, event);
    }
  }

  /** The incident of another host is asked for anew: it may have ended there while the trouble goes on here. */
  async function write(one: OpenIncident, reports: IncidentReport[]) {
    const { id: _, ...rest } = one.incident;
    if (one.held === 'here') return store.updateIncident(one.incident, owner, reports);
    if (one.held === 'elsewhere' && rest.endedAt !== null) return;
    const { id, isNew } = await store.openIncident(rest, terms, reports);
    one.incident = { ...one.incident, id };
    one.held = isNew ? 'here' : 'elsewhere';
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

  async function hold() {
    const before = [...open, ...leaving];
    const mine = before.filter(({ held }) => held === 'here');
    const found = await store.holdIncidents(terms);
    const ids = new Set(found.map(({ id }) => id));
    for (const one of mine) if (found.length < MOST_HELD && !ids.has(one.incident.id)) open.delete(one);
    const now = [...open, ...leaving];
    // The id of an incident that is being written is not known yet: it must not be taken for another host's.
    if (now.some(({ held }) => held === 'not yet')) return;
    const known = new Set([...before, ...now].filter(({ held }) => held === 'here').map(({ incident }) => incident.id));
    for (const incident of found) if (!known.has(incident.id)) take(incident);
  }

  /** Goes on with an incident of an earlier run, or of a host that is gone; what was seen here meanwhile is the same trouble. */
  function take(incident: Incident) {
    const seen = [...open].find((one) => one.held === 'elsewhere' && one.incident.id === incident.id);
    const { lastAt, worker } = seen ?? { lastAt: lastSign(incident), worker: undefined };
    if (seen) open.delete(seen);
    open.add({ incident, lastAt, worker, held: 'here' });
  }

  function apply(one: OpenIncident, event: IncidentEvent) {
    one.incident = stepIncident(one.incident, event);
  }

  return {
    async load() {
      open.clear();
      await hold();
    },
    hold,
    all: () => [...open],
    of: (agent) => [...open].filter((one) => one.incident.agent === agent),
    open(facts, worker) {
      const at = time.now();
      const one: OpenIncident = { incident: newIncident(facts, at), lastAt: at, worker, held: 'not yet' };
      open.add(one);
      next(one, () => {});
      return one;
    },
    next,
    apply,
    end(one, event, after) {
      open.delete(one);
      leaving.add(one);
      next(one, () => {
        apply(one, event);
        after();
      });
    },
    record(one, level, kind, words, data = {}, terms = {}) {
      const at = time.now();
      shadowOf(one).reports.push({ level, make: (incident) => ({ at, kind, words: words(incident), data, ...terms }) });
    },
    retry() {
      for (const one of unsaved) next(one, () => {});
    },
    settled: working.settled,
  };
}

function newIncident(facts: IncidentFacts, at: number): Incident {
  const none = { jobs: [], remedies: [], repeats: 0, note: null };
  const timeline = [{ at, what: 'seen', text: facts.seen }];
  return { ...facts, ...none, id: '', state: 'open', openedAt: at, endedAt: null, timeline };
}

function lastSign({ openedAt, timeline }: Incident): number {
  return Math.max(openedAt, ...timeline.filter(({ what }) => what === 'seen').map(({ at }) => at));
}

/** The newest incident of the agent with the verdict. */
export function newestWith(openIncidents: readonly OpenIncident[], verdict: Verdict): OpenIncident | undefined {
  return openIncidents.findLast(({ incident }) => incident.verdict === verdict);
}
