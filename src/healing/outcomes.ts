import type { Agent } from '../jobs/agent.ts';
import type { AttemptRef, Settlement } from '../jobs/ports.ts';
import { type Budget, type BudgetUse, EMPTY_BUDGET_USE, prove, spend } from '../kernel/budget.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import type { WorkerEnd } from '../workers/ports.ts';
import type { ActionNeeds } from './actions.ts';
import { releasedEvent } from './incident-reports.ts';
import { newestWith, type OpenIncident, type OpenIncidents } from './open-incidents.ts';
import type { Verdict } from './ports.ts';
import { isProof } from './proof.ts';
import type { Quarantines } from './quarantines.ts';
import type { Signals } from './signals.ts';
import { countsAsRestart, verdictOfEnd, verdictOfFailure } from './verdict.ts';
import { endWords, loopWords } from './words.ts';

/** The number of remembered ends whose other half has not come yet; the oldest is dropped first. */
const MOST_REMEMBERED = 1_000;

/**
 * The ends of workers and of attempts: each means a signal, a proof that an incident is over, a crash loop or a failed probe. The
 * end of a worker and the failure of its attempt are one signal: job and attempt join them.
 */
interface Outcomes {
  gone(end: WorkerEnd): void;
  /** Another room reported the end of this worker as an incident of its own: `gone` of the worker belongs to it. */
  reported(worker: string, one: OpenIncident): void;
  settled(end: Settlement, agent: string): void;
  /** Ends a quarantine; false when there is none. */
  release(agent: string, why: string, who?: string): boolean;
  /** Links quarantines to incidents that have got their ids since. */
  linkIncidents(): void;
}

interface OutcomesNeeds extends Pick<ActionNeeds, 'time' | 'wake'> {
  events: Pick<Events, 'publish'>;
  openIncidents: OpenIncidents;
  quarantineRegistry: Quarantines;
  incidentSignals: Signals;
  agent(name: string): Agent | undefined;
  /** An agent came into quarantine or out of it. */
  changed(): void;
}

export function createOutcomes(needs: OutcomesNeeds, budget: Budget): Outcomes {
  const { time, openIncidents, quarantineRegistry, incidentSignals } = needs;
  const { notice, heal, close } = incidentSignals;
  const restarts = createRestarts(time, budget);
  /** The incident of an attempt that failed with its worker, until the end of the attempt is written down. */
  const ofAttempts = new Map<string, OpenIncident>();
  /** The incident that another room reported of a worker, until the worker is gone. */
  const ofWorkers = new Map<string, OpenIncident>();

  function gone(end: WorkerEnd) {
    const one = ofWorkers.get(end.worker) ?? noticeEnd(end);
    ofWorkers.delete(end.worker);
    if (!one) return;
    for (const ref of end.failed ?? (end.job ? [end.job] : [])) remember(ofAttempts, keyOf(ref), one);
  }

  /** The incident that the end of a worker opens or belongs to; undefined: the end means nothing. */
  function noticeEnd({ worker, agent, version, because, job, evidence }: WorkerEnd): OpenIncident | undefined {
    const verdict = verdictOfEnd(because);
    const hitJob = job !== null;
    // Idle workers of a cell that a neighbour took down are replaced, and that is all.
    if (!verdict || (verdict === 'cell-lost' && !hitJob)) return undefined;
    const seen = { agent, verdict, because, worker, version, evidence: evidence ?? null, job: job?.job };
    const text = endWords(worker, because);
    const current = needs.agent(agent);
    if (quarantineRegistry.get(agent)) return notice({ ...seen, seen: text }, null);
    const counts = countsAsRestart(verdict, hitJob) && current?.version.id === version;
    const spent = counts ? restarts.ended(agent) : undefined;
    if (!spent || !current) return notice({ ...seen, seen: text }, {});
    const { nextProbeAt } = quarantineRegistry.begin(agent, current.fingerprint);
    const worsened = { verdict: 'crash-looping' as const, seen: loopWords(spent.counted, spent.withinMs, because) };
    const one = notice({ ...seen, seen: text, worsened }, { note: probeNote(nextProbeAt) });
    openIncidents.next(one, linkIncidents);
    for (const other of openIncidents.of(agent)) if (other !== one) close(other, 'it is part of a crash loop');
    needs.changed();
    return one;
  }

  /** An incident has no id before the store has it. */
  function linkIncidents() {
    for (const { agent, incident } of quarantineRegistry.all()) {
      const one = incident === '' ? newestWith(openIncidents.of(agent), 'crash-looping') : undefined;
      if (one && one.incident.id !== '') quarantineRegistry.name(agent, one.incident.id);
    }
  }

  /** The incident of an attempt that failed with its worker, which is asked for once. */
  function takeOf(ref: AttemptRef): OpenIncident | undefined {
    if (ofAttempts.size === 0) return undefined;
    const known = ofAttempts.get(keyOf(ref));
    ofAttempts.delete(keyOf(ref));
    return known;
  }

  function settled(end: Settlement, agent: string) {
    const known = takeOf(end);
    const quarantined = quarantineRegistry.get(agent);
    let lastEndAt = 0;
    for (const one of openIncidents.all()) {
      const isHosts = one.incident.agent === null;
      if (!isHosts && one.incident.agent !== agent) continue;
      if (!isHosts) lastEndAt = Math.max(lastEndAt, one.lastAt);
      if (isProof(one, end)) heal(one, proofWords(end, agent));
    }
    if (end.state === 'done') {
      if (end.startedAt >= lastEndAt) restarts.proven(agent);
      if (quarantined && end.startedAt >= quarantined.since) release(agent, `${end.job} was done`);
      return;
    }
    if (end.run === 'failed') return runFailed(agent, end, known);
    // An attempt that was held up by a server that is down says nothing of its agent.
    if (end.state === 'cancelled' || end.attempts !== undefined) return;
    if (quarantined && end.startedAt >= quarantined.since) return probeFailed(agent, end);
    const verdict = verdictOfFailure(end.error);
    const one = known ?? (verdict ? rolledBack(agent, end) : undefined);
    if (one) countFailure(one, end);
    else if (verdict) endedByItself(agent, verdict, end);
  }

  /** The open incident of a rollback, if the attempt still ran on the state that was rolled back. */
  function rolledBack(agent: string, { fingerprint }: Settlement): OpenIncident | undefined {
    const isOld = fingerprint !== needs.agent(agent)?.fingerprint;
    return isOld ? newestWith(openIncidents.of(agent), 'bad-version') : undefined;
  }

  /** The run of an agent that runs always failed. A throw counts as the end of a worker does: it is what a crash loop is made of. */
  function runFailed(agent: string, end: Settlement, known: OpenIncident | undefined) {
    const { job, attempt, worker = '' } = end;
    const error = end.error!;
    const quarantined = quarantineRegistry.get(agent);
    if (quarantined && end.startedAt >= quarantined.since) return probeFailed(agent, end);
    if (known) return countFailure(known, end);
    const { version } = needs.agent(agent) ?? {};
    const ref = { job, attempt };
    const because = { ...error, code: 'CRASHED', data: { ...error.data, code: error.code } };
    const uptimeMs = Math.max(0, end.finishedAt - end.startedAt);
    const { fingerprint = '' } = end;
    noticeEnd({ worker, agent, version: version?.id ?? '', fingerprint, because, uptimeMs, job: ref, failed: [ref] });
  }

  function probeFailed(agent: string, end: Settlement) {
    const { probes, nextProbeAt } = quarantineRegistry.probeFailed(agent);
    const one = newestWith(openIncidents.of(agent), 'crash-looping');
    const text = `probe ${probes} failed: ${end.job}: ${end.error?.message ?? 'no reason kept'}`;
    if (one) incidentSignals.again(one, text, probeNote(nextProbeAt));
  }

  /** The attempt failed with its worker, of which healing knows. */
  function countFailure(one: OpenIncident, { job, state }: Settlement) {
    const text = `${job} ${state === 'dead' ? 'gave up: it is a dead letter' : 'is tried again'}`;
    openIncidents.next(one, () => openIncidents.apply(one, { is: 'job-affected', at: time.now(), job, text }));
  }

  /** The plugin ended the attempt when its signal was aborted: its worker lives on, and no other fact reports the end. */
  function endedByItself(agent: string, verdict: Verdict, { error, worker, job }: Settlement) {
    const because = error!;
    notice({ agent, verdict, because, seen: endWords(worker, because), worker, job }, {});
  }

  function release(agent: string, why: string, who?: string): boolean {
    const record = quarantineRegistry.release(agent, { why, who });
    if (!record) return false;
    restarts.forget(agent);
    const one = newestWith(openIncidents.of(agent), 'crash-looping');
    const text = `the quarantine was lifted: ${why}`;
    if (one) openIncidents.next(one, () => openIncidents.apply(one, { is: 'remarked', at: time.now(), text }));
    needs.events.publish('info', releasedEvent(record, { why, who, at: time.now() }));
    needs.changed();
    needs.wake(agent);
    return true;
  }

  return {
    gone,
    reported: (worker, one) => remember(ofWorkers, worker, one),
    settled,
    release,
    linkIncidents,
  };
}

function keyOf({ job, attempt }: AttemptRef): string {
  return `${job} ${attempt}`;
}

/** An end may have no other half: of an attempt that lost its lease, of a worker that was drained. */
function remember(map: Map<string, OpenIncident>, key: string, one: OpenIncident) {
  map.set(key, one);
  for (const oldest of map.keys()) {
    if (map.size <= MOST_REMEMBERED) return;
    map.delete(oldest);
  }
}

function probeNote(at: number): string {
  return `no work but a probe at ${isoOf(at)}, then at growing distances`;
}

function proofWords(end: Settlement, agent: string): string {
  return `${end.job}${agent ? ` of ${agent}` : ''} ${end.state === 'done' ? 'was done' : 'was started'}`;
}

/** The restart budget of each agent. */
interface Restarts {
  /** Counts an end; when the budget is spent by it: by how many ends, within how long. The budget is full again after that. */
  ended(agent: string): { counted: number; withinMs: number } | undefined;
  /** A job that began after the newest end was done. */
  proven(agent: string): void;
  /** The budget is full again: the agent is another one now. */
  forget(agent: string): void;
}

function createRestarts(time: Pick<Time, 'monotonic'>, budget: Budget): Restarts {
  const budgetUses = new Map<string, BudgetUse>();
  return {
    ended(agent) {
      const now = time.monotonic();
      const { after, spent, counted } = spend(budgetUses.get(agent) ?? EMPTY_BUDGET_USE, now, budget);
      budgetUses.set(agent, after);
      if (!spent) return undefined;
      budgetUses.delete(agent);
      return { counted, withinMs: now - after.ends.at(-counted)! };
    },
    proven(agent) {
      const spending = budgetUses.get(agent);
      if (spending) budgetUses.set(agent, prove(spending));
    },
    forget: (agent) => void budgetUses.delete(agent),
  };
}
