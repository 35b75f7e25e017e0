import { toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { DAY_MS } from '../kernel/measures.ts';
import type { Time } from '../kernel/time.ts';
import type { EventStore } from '../telemetry/ports.ts';
import type { AdvisableAction } from './diagnosis.ts';
import { pendingRemedy, UNASKED } from './incident-state.ts';
import { type EscalationBudget, isHopeless, kindOf, planRemedy, spendEscalation } from './ladder.ts';
import type { OpenIncident, OpenIncidents } from './open-incidents.ts';
import type { Action, Incident, IncidentStore, Remedy, RemedyRecord } from './ports.ts';
import { actionWords, observedWords, verdictWords } from './words.ts';

/**
 * Chooses the next step for an incident, carries it out where it is an action of healing's own, keeps the remedy statistics,
 * and asks a person after the last step.
 */
export interface Remedies {
  /** Reads what was asked within the last day, so that a restart does not ask anew. */
  load(): Promise<void>;
  /**
   * Takes the next step of the incident; to be called in {@link OpenIncidents.next}. `known: false`: an unforeseen fault.
   * `note`: what another room has done.
   */
  apply(one: OpenIncident, facts: { known: boolean; note?: string }): Promise<void>;
  /**
   * Writes into the remedy statistics whether the pending remedy held; to be called before the incident's next step.
   */
  recordOutcome(one: OpenIncident, held: boolean): Promise<void>;
  /**
   * Carries out an action that a model advised; to be called in {@link OpenIncidents.next}. Resolves with the reason why it was not:
   * the incident waits for nobody, had advice before, or the action never held for its cause.
   */
  advise(one: OpenIncident, action: AdvisableAction, model: string): Promise<string | null>;
}

interface RemediesNeeds {
  time: Time;
  log: Log;
  openIncidents: Pick<OpenIncidents, 'apply' | 'record'>;
  store: Pick<IncidentStore, 'remedyRecords' | 'recordRemedy' | 'incidents'> & Pick<EventStore, 'events'>;
  /** Does what the action says, at once. */
  carryOut(action: Action, one: OpenIncident): void;
}

/** Incidents of an agent within a day that are looked through for the same fingerprint. */
const MOST_LOOKED_AT = 50;

export function createRemedies(needs: RemediesNeeds, options: { escalationsPerDay: number }): Remedies {
  const { time, log, openIncidents, store } = needs;
  let budget: EscalationBudget = { asked: [], perDay: options.escalationsPerDay };

  /** The remedy statistics of the fingerprint. A store that fails costs the statistics, not the remedy. */
  async function past({ id, agent, fingerprint }: Incident): Promise<{ records: RemedyRecord[]; sameToday: number }> {
    try {
      const since = time.now() - DAY_MS;
      const [records, incidents] = await Promise.all([
        store.remedyRecords(fingerprint),
        store.incidents({ ...(agent === null ? {} : { agent }), since, limit: MOST_LOOKED_AT }),
      ]);
      const same = incidents.filter((one) => one.fingerprint === fingerprint && one.id !== id && one.openedAt >= since);
      return { records, sameToday: same.length };
    } catch (error) {
      log.warn('the past of an incident could not be read', { incident: id, fault: toPlainFault(error) });
      return { records: [], sameToday: 0 };
    }
  }

  function escalate(one: OpenIncident, why: string) {
    if (one.incident.state !== 'open') return;
    const at = time.now();
    const { may, after } = spendEscalation(budget, at);
    budget = after;
    if (!may) {
      const text = `${why}; the ${budget.perDay} questions of this day ${UNASKED}`;
      openIncidents.apply(one, { is: 'remarked', at, text });
      return;
    }
    openIncidents.apply(one, { is: 'escalated', at, text: why });
    const { fingerprint, seen, evidence, remedies, jobs, version } = one.incident;
    openIncidents.record(
      one,
      'error',
      'incident.escalated',
      ({ agent, verdict }) => `needs somebody: ${agent ?? 'host'} is ${verdictWords(verdict)} (${seen}); ${why}`,
      { why, fingerprint, seen, version, jobs, remedies, evidence },
    );
  }

  function remedied(one: OpenIncident, { kind, by, what }: Pick<Remedy, 'kind' | 'by' | 'what'>) {
    openIncidents.apply(one, { is: 'remedied', remedy: { kind, ...given({ by }), at: time.now(), what } });
    openIncidents.record(one, 'info', 'incident.remedied', () => what, { remedy: kind }, given({ who: by }));
  }

  async function recordOutcome(one: OpenIncident, held: boolean) {
    const pending = pendingRemedy(one.incident);
    if (!pending) return;
    try {
      await store.recordRemedy(one.incident.fingerprint, pending.kind, held);
    } catch (error) {
      log.warn('the ledger of remedies could not be written', { fault: toPlainFault(error) });
    }
  }

  return {
    async load() {
      const escalations = await store.events({ kind: 'incident.escalated', since: time.now() - DAY_MS, limit: 100 });
      budget = { ...budget, asked: escalations.map(({ at }) => at).reverse() };
    },
    async apply(one, { known, note }) {
      const facts = await past(one.incident);
      const { verdict, remedies: tried } = one.incident;
      const { step, escalate: why } = planRemedy({ verdict, tried, known, ...facts });
      if (step !== null) {
        const words = { agent: one.incident.agent ?? 'host', worker: one.worker, note };
        if ('action' in step) needs.carryOut(step.action, one);
        const [by, what] =
          'action' in step
            ? (['healing', actionWords(step.action, words)] as const)
            : ([step.observed.by, observedWords(step.observed.kind, words)] as const);
        remedied(one, { kind: kindOf(step), by, what });
      }
      if (why !== null) escalate(one, why);
    },
    recordOutcome,
    async advise(one, action, model) {
      const { records } = await past(one.incident);
      const { id, state, remedies, agent } = one.incident;
      if (state !== 'escalated') return `${id} waits for nobody any more`;
      if (remedies.some(({ by }) => by === 'diagnosis'))
        return `a remedy that a model advised was carried out for ${id} before`;
      if (isHopeless(action, records)) return `${action} was tried for this cause before, and never held`;
      if (action === 'recycle' && one.worker === undefined) return 'its worker is gone already';
      await recordOutcome(one, false);
      needs.carryOut(action, one);
      const words = actionWords(action, { agent: agent ?? 'host', worker: one.worker, note: undefined });
      const what = `${words}; advised by a model (${model})`;
      remedied(one, { kind: action, by: 'diagnosis', what });
      return null;
    },
  };
}
