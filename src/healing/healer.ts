import type { Agent } from '../jobs/agent.ts';
import type { JobStore, Settlement } from '../jobs/ports.ts';
import type { Budget } from '../kernel/budget.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { SlotStore } from '../schedule/ports.ts';
import type { Events } from '../telemetry/events.ts';
import type { EventStore } from '../telemetry/ports.ts';
import type { WorkerEnd, WorkerReading } from '../workers/ports.ts';
import { type Case, caseWith, createCases } from './cases.ts';
import { createDisturbances, type Disturbance } from './disturbances.ts';
import { step } from './incident-state.ts';
import { createLateWatch } from './late-watch.ts';
import { createLeakWatch } from './leaks.ts';
import type { Incident, IncidentStore, QuarantineRecord, RemedyKind, Verdict } from './ports.ts';
import type { Room } from './pressure.ts';
import { createPressureWatch } from './pressure-watch.ts';
import { isProof } from './proof.ts';
import { createRemedies } from './remedies.ts';
import { createRestarts } from './restarts.ts';
import { countsAsRestart, verdictOfEnd, verdictOfFailure } from './verdict.ts';
import { createWards } from './wards.ts';
import { endWords, loopWords } from './words.ts';

/**
 * Sees what goes wrong, does something about it, and checks that it helped: every disturbance is one incident, whose
 * remedies are proven by the agent's next real job. It acts before it writes, and nothing here throws: a healer that is
 * ill, or whose store is down, harms no job.
 */
export interface Healer extends Service {
  /** A worker ended otherwise than by a drain. */
  gone(end: WorkerEnd): void;
  readings(list: readonly WorkerReading[]): void;
  /** An attempt's end was written down. */
  settled(end: Settlement, agent: string): void;
  /** These are the agents in force, all of them: a change lifts a quarantine, an agent that went closes its incidents. */
  use(agents: ReadonlyMap<string, Agent>): void;
  /** Something that another room found out; `note`: what it has done about it, null: nothing. */
  report(seen: Disturbance, note: string | null): void;
  /** The host before this one ended without a good-bye; `jobs` were running. */
  hostLost(because: PlainFault, jobs: string[]): void;
  /** How many of the agent's attempts may be under way now. */
  allowance(agent: string): number;
  /** Why a slot of the agent is skipped; undefined when it may ask for a job. */
  holdUp(agent: string, due: number): string | undefined;
  quarantine(agent: string): QuarantineRecord | undefined;
  /** The machine is short of memory or disk: nothing is to grow. */
  isPressed(): boolean;
  /** The next job of a quarantined agent is its probe, now. */
  probeNow(agent: string): void;
  /** Ends a quarantine; false when there is none. */
  lift(agent: string, why: string): boolean;
  /** The incidents that have not ended, oldest first. */
  open(): Incident[];
  /** Ends an incident by hand, or adds a note to one that has ended. Rejects with `INCIDENT_UNKNOWN`. */
  acknowledge(id: string, note: string | null): Promise<Incident>;
}

export interface HealerNeeds {
  time: Time;
  log: Log;
  events: Pick<Events, 'record'>;
  store: IncidentStore & Pick<EventStore, 'events'> & Pick<JobStore, 'waiting'> & Pick<SlotStore, 'nextSlots'>;
  agent(name: string): Agent | undefined;
  /** Paused by a person, or at work just now: nothing of it is late. */
  excused(agent: string): boolean;
  /** The agent's jobs may start. */
  wake(agent: string): void;
  recycle(worker: string, why: PlainFault): void;
  ownCell(agent: string): void;
  /** What the machine has left. */
  room(): Promise<Room>;
  /** Workers that hold nothing are let go. */
  shed(): void;
  /** An agent came into quarantine or out of it, or the machine ran short or does no more. */
  bearingsChanged(): void;
}

export interface HealerOptions {
  /** Default: more than 4 ends in 10 minutes with no job done in between, or more than 24 in all. */
  budget?: Budget;
  /** Questions to a person or a model, in any 24 hours. Default 5. */
  escalationsPerDay?: number;
}

const TURN_MS = 10_000;
const BUDGET: Budget = { allowed: 4, allowedInAll: 24, withinMs: 600_000 };
/** The failure of an attempt and the end of its worker come within this time of each other. */
const SAME_END_MS = 60_000;

export function createHealer(needs: HealerNeeds, options: HealerOptions = {}): Healer {
  const { time, log, store } = needs;
  const cases = createCases(needs);
  const wards = createWards(needs);
  const remedies = createRemedies({ ...needs, cases, carryOut }, { escalationsPerDay: options.escalationsPerDay ?? 5 });
  const disturbances = createDisturbances({ time, cases, remedies });
  const { notice, heal, close } = disturbances;
  const leaks = createLeakWatch({ time, cases, notice, heal });
  const excused = (name: string) => !needs.agent(name) || wards.get(name) !== undefined || needs.excused(name);
  const lates = createLateWatch({ time, store, cases, notice, excused });
  const pressure = createPressureWatch({ ...needs, cases, notice, heal, changed: needs.bearingsChanged });
  const restarts = createRestarts(time, options.budget ?? BUDGET);
  let turnedAt: number | undefined;
  let cancelTurn = () => {};
  let turning: Promise<void> | undefined;

  /** What is seen only by looking: what is late, what has stopped to grow, what the store refused. */
  async function turn() {
    try {
      cases.retry();
      wards.retry();
      nameWards();
      leaks.look();
      await pressure.look();
      await lates.look();
    } catch (error) {
      log.error('a turn of healing failed', { fault: toPlainFault(error) });
    }
    if (turnedAt === undefined) return;
    turnedAt = time.monotonic();
    takeTurns();
  }

  function takeTurns() {
    cancelTurn = time.after(TURN_MS, () => {
      turning = turn();
    });
  }

  /** What is left to do of a remedy: workers kill and clear up, jobs try again, wards hold, without being asked. */
  function carryOut(kind: RemedyKind, { incident: { agent, seen }, worker }: Case) {
    if (kind === 'shed') needs.shed();
    if (agent === null) return;
    if (kind === 'own-cell') needs.ownCell(agent);
    if (kind === 'catch-up') needs.wake(agent);
    if (kind === 'recycle' && worker !== undefined) needs.recycle(worker, { code: 'RECYCLED', message: seen });
  }

  function gone({ worker, agent, version, because, job, evidence }: WorkerEnd) {
    const verdict = verdictOfEnd(because);
    const isStruck = job !== null;
    // Idle workers of a cell that a neighbour took down are replaced, and that is all.
    if (!verdict || (verdict === 'cell-lost' && !isStruck)) return;
    const seen = { agent, verdict, because, worker, version, evidence: evidence ?? null, job: job?.job };
    const text = endWords(worker, because);
    const current = needs.agent(agent);
    if (wards.get(agent)) return void notice({ ...seen, seen: text }, null);
    const counts = countsAsRestart(verdict, isStruck) && current?.version.id === version;
    const spent = counts ? restarts.ended(agent) : undefined;
    if (!spent || !current) return void notice({ ...seen, seen: text }, {});
    const { nextProbeAt } = wards.hold(agent, current.fingerprint);
    const grown = { verdict: 'crash-looping' as const, seen: loopWords(spent.counted, spent.withinMs, because) };
    const one = notice({ ...seen, seen: text, grown }, { note: probeNote(nextProbeAt) });
    cases.next(one, nameWards);
    for (const other of cases.of(agent)) if (other !== one) close(other, 'it is part of a crash loop');
    needs.bearingsChanged();
  }

  /** An incident has no id before the store has it. */
  function nameWards() {
    for (const { agent, incident } of wards.all()) {
      const one = incident === '' ? caseWith(cases.of(agent), 'crash-looping') : undefined;
      if (one && one.incident.id !== '') wards.name(agent, one.incident.id);
    }
  }

  function settled(end: Settlement, agent: string) {
    const mine = cases.of(agent);
    const ward = wards.get(agent);
    for (const one of [...mine, ...cases.of(null)]) if (isProof(one, end)) heal(one, proofWords(end, agent));
    if (end.state === 'done') {
      const lastEndAt = Math.max(0, ...mine.map(({ lastAt }) => lastAt));
      if (end.startedAt >= lastEndAt) restarts.proven(agent);
      if (ward && end.startedAt >= ward.since) release(agent, `${end.job} was done`);
      return;
    }
    if (end.state === 'cancelled') return;
    if (ward && end.startedAt >= ward.since) return probeFailed(agent, end);
    const verdict = verdictOfFailure(end.error);
    if (verdict) struck(agent, verdict, end);
  }

  function probeFailed(agent: string, end: Settlement) {
    const { probes, nextProbeAt } = wards.probeFailed(agent);
    const one = caseWith(cases.of(agent), 'crash-looping');
    const text = `probe ${probes} failed: ${end.job}: ${end.error?.message ?? 'no reason kept'}`;
    if (one) disturbances.again(one, text, probeNote(nextProbeAt));
  }

  /** The attempt that a worker had when it ended; or one that its plugin ended itself when it was told to. */
  function struck(agent: string, verdict: Verdict, end: Settlement) {
    const recent = cases.of(agent).filter(({ lastAt }) => time.now() - lastAt < SAME_END_MS);
    const known = caseWith(recent, 'bad-version') ?? caseWith(recent, verdict) ?? caseWith(recent, 'crash-looping');
    const { job, worker } = end;
    const text = `${job} ${end.state === 'dead' ? 'gave up: it is a dead letter' : 'is tried again'}`;
    if (known) return cases.next(known, () => cases.apply(known, { is: 'struck', at: time.now(), job, text }));
    const because = end.error!;
    notice({ agent, verdict, because, seen: endWords(worker, because), worker, job }, {});
  }

  function release(agent: string, why: string): boolean {
    if (!wards.lift(agent)) return false;
    restarts.forget(agent);
    const one = caseWith(cases.of(agent), 'crash-looping');
    const text = `the quarantine was lifted: ${why}`;
    if (one) cases.next(one, () => cases.apply(one, { is: 'told', at: time.now(), text }));
    needs.events.record('info', { kind: 'agent.released', agent, message: `${agent} is out of quarantine: ${why}` });
    needs.bearingsChanged();
    needs.wake(agent);
    return true;
  }

  /** What comes from other rooms must never fail in theirs. */
  function safely<A extends unknown[]>(take: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      try {
        take(...args);
      } catch (error) {
        log.error('healing could not take what it was told', { fault: toPlainFault(error) });
      }
    };
  }

  return {
    async start() {
      if (turnedAt !== undefined) return;
      turnedAt = time.monotonic();
      for (const part of [cases, wards, remedies]) {
        await part.load().catch((error) => log.error('the past could not be read', { fault: toPlainFault(error) }));
      }
      takeTurns();
    },
    async stop() {
      turnedAt = undefined;
      cancelTurn();
      await turning;
      await cases.settled();
      await wards.settled();
    },
    alive: () => turnedAt,
    gone: safely(gone),
    readings: safely(leaks.read),
    settled: safely(settled),
    use: safely((agents) => {
      for (const one of cases.all()) {
        const { agent } = one.incident;
        if (agent !== null && !agents.has(agent)) close(one, 'the agent is not in force any more');
      }
      for (const { agent, fingerprint } of wards.all()) {
        const now = agents.get(agent);
        if (!now) wards.lift(agent);
        else if (now.fingerprint !== fingerprint) release(agent, 'it was changed');
      }
    }),
    hostLost: safely((because, jobs) => {
      const one = notice({ agent: null, verdict: 'host-lost', because, seen: because.message }, {});
      for (const job of jobs)
        cases.next(one, () =>
          cases.apply(one, { is: 'struck', at: time.now(), job, text: `${job} was running: it is tried again` }),
        );
      if (jobs.length === 0) heal(one, 'nothing was running');
    }),
    report: safely((seen, note) => void notice(seen, note === null ? null : { note })),
    allowance: wards.allowance,
    holdUp: wards.holdUp,
    quarantine: wards.get,
    isPressed: pressure.isShort,
    probeNow(agent) {
      wards.probeNow(agent);
      needs.wake(agent);
    },
    lift: release,
    open: () => cases.all().map(({ incident }) => incident),
    async acknowledge(id, note) {
      const one = cases.all().find(({ incident }) => incident.id === id);
      if (one) {
        close(one, 'acknowledged by hand', note);
        await cases.settled();
        return one.incident;
      }
      const known = await store.incident(id);
      if (!known)
        throw new Fault({ code: 'INCIDENT_UNKNOWN', message: `there is no incident ${id}`, next: 'daruma incidents' });
      if (note === null) return known;
      const noted = step(known, { is: 'noted', at: time.now(), note });
      await store.updateIncident(noted);
      return noted;
    },
  };
}

function probeNote(at: number): string {
  return `no work but a probe at ${new Date(at).toISOString()}, then at growing distances`;
}

function proofWords(end: Settlement, agent: string): string {
  return `${end.job}${agent ? ` of ${agent}` : ''} ${end.state === 'done' ? 'was done' : 'was started'}`;
}
