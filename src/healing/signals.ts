import type { Owner } from '../jobs/ports.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { LogLevel } from '../kernel/log.ts';
import { subject } from '../kernel/subjects.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerEnd } from '../workers/ports.ts';
import { newestWith, type OpenIncident, type OpenIncidents } from './open-incidents.ts';
import type { Verdict } from './ports.ts';
import type { Remedies } from './remedies.ts';
import { fingerprintOf, isKnown } from './verdict.ts';
import { healedWords, incidentEvidence } from './words.ts';

/** A signal: what a room saw go wrong, before it is an incident. */
export interface Signal {
  /** null: the host. */
  agent: string | null;
  verdict: Verdict;
  because: PlainFault;
  /** A sentence. */
  seen: string;
  worker?: string | undefined;
  version?: string | undefined;
  evidence?: WorkerEnd['evidence'];
  /** The job that the signal affected. */
  job?: string | undefined;
  /** The verdict that the trouble has grown to, and its sentence. */
  worsened?: { verdict: Verdict; seen: string };
  /** The subjects that it came of, before the worker and the version. */
  cameOf?: string[];
}

/** An act of another room that belongs to an incident. */
export interface RoomEvent {
  level: LogLevel;
  kind: string;
  message: string;
  data: Record<string, unknown>;
  who: string;
  about: string[];
}

/** Turns signals into incidents, and ends them: an incident takes the same signal however often it comes while it is open. */
export interface Signals {
  /**
   * A new incident, or the same again while one is open. `remedy`: something is done about it now, with a note about what;
   * null: it is only written down.
   */
  notice(seen: Signal, remedy: { note?: string } | null): OpenIncident;
  /** A signal that another room found, with what that room did about it (null: nothing), also as an event in the line of the incident. */
  report(seen: Signal, note: string | null, event?: RoomEvent): OpenIncident;
  /** Takes the next step for an incident that has not ended: the last step did not hold. */
  again(one: OpenIncident, text: string, note: string): void;
  heal(one: OpenIncident, proof: string): void;
  close(one: OpenIncident, text: string, by?: { note: string | null; who?: string | undefined }): void;
}

interface SignalsNeeds {
  owner: Owner;
  time: Time;
  openIncidents: OpenIncidents;
  remedies: Remedies;
}

export function createSignals({ owner, time, openIncidents, remedies }: SignalsNeeds): Signals {
  function openFor(seen: Signal, fingerprint: string): OpenIncident | undefined {
    const of = openIncidents.of(seen.agent);
    // All trouble of an agent that is crash-looping is part of that incident.
    return newestWith(of, 'crash-looping') ?? withFingerprint(of, fingerprint);
  }

  function notice(seen: Signal, remedy: { note?: string } | null): OpenIncident {
    const { agent, verdict, because, worker, job, worsened } = seen;
    const at = time.now();
    const fingerprint = fingerprintOf(agent, verdict, because, seen.evidence);
    const evidence = incidentEvidence(seen.evidence, because, at);
    const known = openFor(seen, fingerprint);
    const version = seen.version ?? null;
    const one =
      known ?? openIncidents.open({ agent, verdict, fingerprint, seen: seen.seen, version, evidence }, worker);
    one.lastAt = at;
    one.worker = worker;
    if (!known) {
      const data = { fingerprint, worker, version, job: job ?? null };
      const cameOf = subjectsOf(seen, owner.run);
      openIncidents.record(one, 'warn', 'incident.opened', () => `${agent ?? 'host'}: ${seen.seen}`, data, {
        cameOf,
      });
      if (verdict === 'late') openIncidents.record(one, 'warn', 'agent.late', () => `${agent}: ${seen.seen}`);
    }
    openIncidents.next(one, async () => {
      if (known && one.incident.remedies.length > 0) {
        await remedies.recordOutcome(one, false);
        openIncidents.apply(one, { is: 'seen-again', at, text: seen.seen, evidence });
      } else if (known) openIncidents.apply(one, { is: 'remarked', at, text: seen.seen });
      if (job !== undefined) openIncidents.apply(one, { is: 'job-affected', at, job, text: null });
      if (worsened) openIncidents.apply(one, { is: 'worsened', at, ...worsened });
      if (remedy) await remedies.apply(one, { known: isKnown(because), ...remedy });
    });
    return one;
  }

  return {
    notice,
    report(seen, note, event) {
      const one = notice(seen, note === null ? null : { note });
      if (!event) return one;
      const { level, kind, message, data, ...terms } = event;
      openIncidents.next(one, () =>
        openIncidents.record(one, level, kind, () => message, data, { ...terms, isPlain: true }),
      );
      return one;
    },
    again(one, text, note) {
      const at = time.now();
      one.lastAt = at;
      openIncidents.next(one, async () => {
        await remedies.recordOutcome(one, false);
        openIncidents.apply(one, { is: 'remarked', at, text });
        await remedies.apply(one, { known: true, note });
      });
    },
    heal(one, proof) {
      const at = time.now();
      openIncidents.next(one, () => remedies.recordOutcome(one, true));
      openIncidents.end(one, { is: 'healed', at, text: proof }, () =>
        openIncidents.record(one, 'info', 'incident.healed', (incident) => healedWords(incident, proof), {
          tookMs: Math.max(0, at - one.incident.openedAt),
          proof,
        }),
      );
    },
    close(one, text, { note = null, who } = { note: null }) {
      openIncidents.end(one, { is: 'closed', at: time.now(), text, note }, () =>
        openIncidents.record(
          one,
          'info',
          'incident.closed',
          () => `was closed: ${text}`,
          { why: text },
          given({ who }),
        ),
      );
    },
  };
}

/** The end of the worker, where it has one, or else the version that the agent ran. */
function subjectsOf({ agent, worker, version, cameOf = [] }: Signal, run: string): string[] {
  const ofWorker = worker === undefined ? [] : [subject.worker(run, worker)];
  const ofVersion = agent === null || !version ? [] : [subject.version(agent, version)];
  return [...cameOf, ...ofWorker, ...ofVersion];
}

/** The incident of the agent with the same fingerprint. */
function withFingerprint(openIncidents: readonly OpenIncident[], fingerprint: string): OpenIncident | undefined {
  return openIncidents.find(({ incident }) => incident.fingerprint === fingerprint);
}
