import type { PlainFault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerEnd } from '../workers/ports.ts';
import { type Case, type Cases, caseWith, sameCase } from './cases.ts';
import type { Verdict } from './ports.ts';
import type { Remedies } from './remedies.ts';
import { fingerprintOf, isKnown } from './verdict.ts';
import { evidenceOf, healedWords } from './words.ts';

/** Something that went wrong. */
export interface Disturbance {
  /** null: the host. */
  agent: string | null;
  verdict: Verdict;
  because: PlainFault;
  /** One sentence. */
  seen: string;
  worker?: string | undefined;
  version?: string | undefined;
  evidence?: WorkerEnd['evidence'];
  /** The job that it struck. */
  job?: string | undefined;
  /** What it has grown to be. */
  grown?: { verdict: Verdict; seen: string };
}

/** Turns disturbances into incidents, and ends them: one incident for one disturbance, however often it comes while it lasts. */
export interface Disturbances {
  /**
   * A new incident, or the same again while one is open. `remedy`: something is done about it now, with a note about what;
   * null: it is only written down.
   */
  notice(seen: Disturbance, remedy: { note?: string } | null): Case;
  /** One more remedy for the case, which has not ended. The last one did not hold. */
  again(one: Case, text: string, note: string): void;
  heal(one: Case, proof: string): void;
  close(one: Case, text: string, note?: string | null): void;
}

export interface DisturbancesNeeds {
  time: Time;
  cases: Cases;
  remedies: Remedies;
}

export function createDisturbances({ time, cases, remedies }: DisturbancesNeeds): Disturbances {
  function caseOf(seen: Disturbance, fingerprint: string): Case | undefined {
    const of = cases.of(seen.agent);
    // Whatever ails an agent that is crash-looping is part of that.
    return caseWith(of, 'crash-looping') ?? sameCase(of, fingerprint);
  }

  return {
    notice(seen, remedy) {
      const { agent, verdict, because, worker, job, grown } = seen;
      const at = time.now();
      const fingerprint = fingerprintOf(agent, verdict, because, seen.evidence);
      const evidence = evidenceOf(seen.evidence, because, at);
      const known = caseOf(seen, fingerprint);
      const version = seen.version ?? null;
      const one = known ?? cases.open({ agent, verdict, fingerprint, seen: seen.seen, version, evidence }, worker);
      one.lastAt = at;
      one.worker = worker;
      if (!known) {
        const data = { fingerprint, seen: seen.seen, worker, version };
        cases.tell(one, 'warn', 'incident.opened', ({ id }) => `${id} ${agent ?? 'host'}: ${seen.seen}`, data);
      }
      cases.next(one, async () => {
        if (known && one.incident.remedies.length > 0) {
          await remedies.judge(one, false);
          cases.apply(one, { is: 'seen-again', at, text: seen.seen, evidence });
        } else if (known) cases.apply(one, { is: 'told', at, text: seen.seen });
        if (job !== undefined) cases.apply(one, { is: 'struck', at, job, text: null });
        if (grown) cases.apply(one, { is: 'grown', at, ...grown });
        if (remedy) await remedies.apply(one, { known: isKnown(because), ...remedy });
      });
      return one;
    },
    again(one, text, note) {
      const at = time.now();
      one.lastAt = at;
      cases.next(one, async () => {
        await remedies.judge(one, false);
        cases.apply(one, { is: 'told', at, text });
        await remedies.apply(one, { known: true, note });
      });
    },
    heal(one, proof) {
      const at = time.now();
      cases.next(one, () => remedies.judge(one, true));
      cases.end(one, { is: 'healed', at, text: proof }, () =>
        cases.tell(one, 'info', 'incident.healed', (incident) => healedWords(incident, proof)),
      );
    },
    close(one, text, note = null) {
      cases.end(one, { is: 'closed', at: time.now(), text, note }, () =>
        cases.tell(one, 'info', 'incident.closed', ({ id }) => `${id} was closed: ${text}`),
      );
    },
  };
}
