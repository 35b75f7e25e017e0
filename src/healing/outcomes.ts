import type { Agent } from '../jobs/agent.ts';
import type { Settlement } from '../jobs/ports.ts';
import type { Budget } from '../kernel/budget.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import type { WorkerEnd } from '../workers/ports.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Verdict } from './ports.ts';
import { isProof } from './proof.ts';
import type { Quarantines } from './quarantines.ts';
import { createRestarts } from './restarts.ts';
import type { Signals } from './signals.ts';
import { countsAsRestart, verdictOfEnd, verdictOfFailure } from './verdict.ts';
import { endWords, loopWords } from './words.ts';

/** The failure of an attempt and the end of its worker come within this time of each other. */
const SAME_END_MS = 60_000;

/** What the ends of workers and of attempts mean: a signal, a proof that an incident is over, a crash loop, a probe. */
export interface Ends {
  gone(end: WorkerEnd): void;
  settled(end: Settlement, agent: string): void;
  /** Ends a quarantine; false when there is none. */
  release(agent: string, why: string): boolean;
  /** Tells quarantines the incidents that have got their ids since. */
  linkIncidents(): void;
}

export interface EndsNeeds {
  time: Time;
  events: Pick<Events, 'record'>;
  openIncidents: OpenIncidents;
  quarantineRegistry: Quarantines;
  incidentSignals: Signals;
  agent(name: string): Agent | undefined;
  wake(agent: string): void;
  /** An agent came into quarantine or out of it. */
  changed(): void;
}

export function createEnds(needs: EndsNeeds, budget: Budget): Ends {
  const { time, openIncidents, quarantineRegistry, incidentSignals } = needs;
  const { notice, heal, close } = incidentSignals;
  const restarts = createRestarts(time, budget);

  function gone({ worker, agent, version, because, job, evidence }: WorkerEnd) {
    const verdict = verdictOfEnd(because);
    const isStruck = job !== null;
    // Idle workers of a cell that a neighbour took down are replaced, and that is all.
    if (!verdict || (verdict === 'cell-lost' && !isStruck)) return;
    const seen = { agent, verdict, because, worker, version, evidence: evidence ?? null, job: job?.job };
    const text = endWords(worker, because);
    const current = needs.agent(agent);
    if (quarantineRegistry.get(agent)) return void notice({ ...seen, seen: text }, null);
    const counts = countsAsRestart(verdict, isStruck) && current?.version.id === version;
    const spent = counts ? restarts.ended(agent) : undefined;
    if (!spent || !current) return void notice({ ...seen, seen: text }, {});
    const { nextProbeAt } = quarantineRegistry.begin(agent, current.fingerprint);
    const grown = { verdict: 'crash-looping' as const, seen: loopWords(spent.counted, spent.withinMs, because) };
    const one = notice({ ...seen, seen: text, grown }, { note: probeNote(nextProbeAt) });
    openIncidents.next(one, linkIncidents);
    for (const other of openIncidents.of(agent)) if (other !== one) close(other, 'it is part of a crash loop');
    needs.changed();
  }

  /** An incident has no id before the store has it. */
  function linkIncidents() {
    for (const { agent, incident } of quarantineRegistry.all()) {
      const one = incident === '' ? newestWith(openIncidents.of(agent), 'crash-looping') : undefined;
      if (one && one.incident.id !== '') quarantineRegistry.name(agent, one.incident.id);
    }
  }

  function settled(end: Settlement, agent: string) {
    const mine = openIncidents.of(agent);
    const ward = quarantineRegistry.get(agent);
    for (const one of [...mine, ...openIncidents.of(null)]) if (isProof(one, end)) heal(one, proofWords(end, agent));
    if (end.state === 'done') {
      const lastEndAt = Math.max(0, ...mine.map(({ lastAt }) => lastAt));
      if (end.startedAt >= lastEndAt) restarts.proven(agent);
      if (ward && end.startedAt >= ward.since) release(agent, `${end.job} was done`);
      return;
    }
    // One that was held up by a server that is down says nothing of its agent.
    if (end.state === 'cancelled' || end.attempts !== undefined) return;
    if (ward && end.startedAt >= ward.since) return probeFailed(agent, end);
    const verdict = verdictOfFailure(end.error);
    if (verdict) struck(agent, verdict, end);
  }

  function probeFailed(agent: string, end: Settlement) {
    const { probes, nextProbeAt } = quarantineRegistry.probeFailed(agent);
    const one = newestWith(openIncidents.of(agent), 'crash-looping');
    const text = `probe ${probes} failed: ${end.job}: ${end.error?.message ?? 'no reason kept'}`;
    if (one) incidentSignals.again(one, text, probeNote(nextProbeAt));
  }

  /** The attempt that a worker had when it ended; or one that its plugin ended itself when it was told to. */
  function struck(agent: string, verdict: Verdict, end: Settlement) {
    const recent = openIncidents.of(agent).filter(({ lastAt }) => time.now() - lastAt < SAME_END_MS);
    const known =
      newestWith(recent, 'bad-version') ?? newestWith(recent, verdict) ?? newestWith(recent, 'crash-looping');
    const { job, worker } = end;
    const text = `${job} ${end.state === 'dead' ? 'gave up: it is a dead letter' : 'is tried again'}`;
    if (known)
      return openIncidents.next(known, () => openIncidents.apply(known, { is: 'struck', at: time.now(), job, text }));
    const because = end.error!;
    notice({ agent, verdict, because, seen: endWords(worker, because), worker, job }, {});
  }

  function release(agent: string, why: string): boolean {
    if (!quarantineRegistry.release(agent)) return false;
    restarts.forget(agent);
    const one = newestWith(openIncidents.of(agent), 'crash-looping');
    const text = `the quarantine was lifted: ${why}`;
    if (one) openIncidents.next(one, () => openIncidents.apply(one, { is: 'told', at: time.now(), text }));
    needs.events.record('info', { kind: 'agent.released', agent, message: `${agent} is out of quarantine: ${why}` });
    needs.changed();
    needs.wake(agent);
    return true;
  }

  return { gone, settled, release, linkIncidents };
}

function probeNote(at: number): string {
  return `no work but a probe at ${isoOf(at)}, then at growing distances`;
}

function proofWords(end: Settlement, agent: string): string {
  return `${end.job}${agent ? ` of ${agent}` : ''} ${end.state === 'done' ? 'was done' : 'was started'}`;
}
