import type { Catalog, Probationer } from '../../catalog/ports.ts';
import {
  checkAfterRollback,
  evaluateProbation,
  mainCause,
  noRuns,
  type ProbationDecision,
  type ProbationRuns,
  type Rejection,
  SEVERE,
  SLOW_CAUSE,
  withEnd,
  withReading,
} from '../../catalog/rollout/probation.ts';
import type { Agent } from '../../jobs/agent.ts';
import { causeOf } from '../../jobs/cause.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobQueue, JobRecords, Settlement } from '../../jobs/ports.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { createTasks, type Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { WorkerEnd, WorkerReading } from '../../workers/ports.ts';
import { counted, historyOf, type ProbationHistory } from './probation-history.ts';

/**
 * Watches the first jobs of every new state of an agent. One that does worse than the good one before it is taken back by
 * itself, and the jobs that it failed are run again; if the good one fails in the same way, it was not the version.
 */
export interface Probation extends Service {
  /** The set of agents in force has changed. */
  use(): void;
  /** An attempt's end was written down. */
  settled(end: Settlement, agent: string): void;
  /** A worker ended; its version may be rolled back because of it. */
  gone(end: WorkerEnd): void;
  readings(list: readonly WorkerReading[]): void;
}

/** What people are told of a rollback. */
export interface RollbackReport {
  agent: string;
  bad: Agent;
  good: Agent;
  rejection: Rejection;
  runs: ProbationRuns;
  /** The end of a worker that gave the reason. */
  end?: WorkerEnd | undefined;
}

interface ProbationNeeds {
  time: Time;
  log: Log;
  catalog: Pick<Catalog, 'rollouts' | 'agents'>;
  store: Pick<JobQueue, 'hasten'> & Pick<JobRecords, 'list'>;
  jobs: Pick<Jobs, 'redrive' | 'wake'>;
  /** Nothing has to stay warm any more. */
  unwarmed(): void;
  rolledBack(rollback: RollbackReport): void;
  /** The good version fails in the same way: the other one is tried again. */
  excused(rollback: RollbackReport): void;
  approved(agent: Agent, why: string): void;
}

/** A state on probation. */
interface ProbationRun {
  trial: Probationer;
  candidate: ProbationRuns;
  good: ProbationRuns | undefined;
  /** Jobs that it failed: what becomes of them if it is bad. */
  failed: Map<string, Settlement['state']>;
  /** Ends that come before the past is known. */
  early: Settlement[] | undefined;
}

/** A rejected state, as long as nothing else is in force than the good one. */
interface RollbackCheck extends RollbackReport {
  before: ProbationRuns;
  /** What the good one did since. */
  since: ProbationRuns;
  isOver: boolean;
}

const TURN_MS = 10_000;
export function createProbation(needs: ProbationNeeds): Probation {
  const { time, log, catalog, store } = needs;
  const { rollouts } = catalog;
  const candidates = new Map<string, ProbationRun>();
  const rollbackChecks = new Map<string, RollbackCheck>();
  /** Peaks of memory, by agent and fingerprint. */
  const memory = new Map<string, ProbationRuns>();
  const begunAt = time.now();
  const working = createTasks((error) => log.error('a step of the probation failed', { fault: toPlainFault(error) }));

  function turn() {
    for (const one of [...candidates.values()]) evaluate(one);
    forget();
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('a turn of the probation failed', { fault: toPlainFault(error) }) },
    { everyMs: TURN_MS, turn },
  );

  function use() {
    const probationers = new Map(rollouts.probationers().map((trial) => [trial.agent.name, trial]));
    for (const [name, { trial }] of candidates) {
      if (probationers.get(name)?.agent.fingerprint !== trial.agent.fingerprint) candidates.delete(name);
    }
    for (const [name, trial] of probationers) {
      const known = candidates.get(name);
      if (known) known.trial = trial;
      else begin(name, trial);
    }
    for (const [name, { good }] of rollbackChecks) {
      if (catalog.agents().get(name)?.fingerprint !== good.fingerprint) rollbackChecks.delete(name);
    }
  }

  function begin(name: string, trial: Probationer) {
    const good = trial.good ? noRuns(0) : undefined;
    const one: ProbationRun = { trial, candidate: noRuns(trial.since), good, failed: new Map(), early: undefined };
    candidates.set(name, one);
    // The first state of an agent that is new to this host has no past to look for.
    if (!trial.good && trial.since >= begunAt) return;
    one.early = [];
    working.add(
      historyOf(store, trial)
        .catch((error): ProbationHistory | undefined => {
          log.warn(`the past of ${name} could not be read: it is judged without`, { fault: toPlainFault(error) });
          return undefined;
        })
        .then((history) => seed(one, history)),
    );
  }

  function seed(one: ProbationRun, history: ProbationHistory | undefined) {
    const early = one.early ?? [];
    one.early = undefined;
    if (history) {
      one.candidate = history.candidate;
      if (one.good) one.good = history.good;
      for (const [job, state] of history.failed) one.failed.set(job, state);
    }
    for (const end of early) if (!history?.ends.has(`${end.job} ${end.attempt}`)) count(one, end);
    evaluate(one);
  }

  function count(one: ProbationRun, end: Settlement) {
    if (end.state === 'dead' || end.state === 'retrying') one.failed.set(end.job, end.state);
    else one.failed.delete(end.job);
    one.candidate = counted(one.candidate, end, one.trial.excused, false);
  }

  function evaluate(one: ProbationRun, end?: WorkerEnd) {
    const { name, fingerprint } = one.trial.agent;
    if (one.early || candidates.get(name) !== one) return;
    const good = one.good && withMemory(one.good, name, one.trial.good!.fingerprint);
    const seen = withMemory(one.candidate, name, fingerprint);
    const candidate = one.trial.excused.includes(SLOW_CAUSE) ? { ...seen, durations: [] } : seen;
    const decision = evaluateProbation(candidate, good, time.now());
    if (decision.is === 'good') approve(one, decision.why);
    if (decision.is === 'bad') rollBack(one, decision, candidate, end);
  }

  function approve({ trial: { agent, good } }: ProbationRun, why: string) {
    candidates.delete(agent.name);
    if (!rollouts.approve(agent.name, agent.fingerprint)) return;
    if (good) needs.unwarmed();
    needs.approved(agent, why);
  }

  /** Acts first: when `reject` returns, the good one is in force. */
  function rollBack(
    one: ProbationRun,
    { kind, why, cause }: ProbationDecision & { is: 'bad' },
    runs: ProbationRuns,
    end?: WorkerEnd,
  ) {
    const { agent: bad, good } = one.trial;
    const rejection = { kind, why, cause: cause ?? mainCause(runs) };
    if (!good || !rollouts.reject(bad.name, bad.fingerprint, rejection)) return;
    const rollback: RollbackReport = { agent: bad.name, bad, good, rejection, runs, end };
    rollbackChecks.set(bad.name, {
      ...rollback,
      before: one.good ?? noRuns(0),
      since: noRuns(time.now()),
      isOver: false,
    });
    needs.rolledBack(rollback);
    runAgain(bad.name, one.failed);
  }

  function runAgain(agent: string, failed: ReadonlyMap<string, Settlement['state']>) {
    const dead = [...failed].flatMap(([job, state]) => (state === 'dead' ? job : []));
    const waiting = [...failed].flatMap(([job, state]) => (state === 'retrying' ? job : []));
    const again = async () => {
      if (dead.length > 0) await needs.jobs.redrive(dead);
      if (waiting.length > 0) await store.hasten(waiting);
      needs.jobs.wake(agent);
    };
    working.add(
      again().catch((error) => log.error('jobs could not be run again', { agent, fault: toPlainFault(error) })),
    );
  }

  function settled(end: Settlement, agent: string) {
    const one = candidates.get(agent);
    if (one && end.fingerprint === one.trial.agent.fingerprint) {
      if (one.early) one.early.push(end);
      else {
        count(one, end);
        evaluate(one);
      }
      return;
    }
    const check = rollbackChecks.get(agent);
    if (!check) return;
    if (end.fingerprint === check.bad.fingerprint) {
      // It was still at work when it was rolled back.
      if (end.state === 'dead' || end.state === 'retrying') runAgain(agent, new Map([[end.job, end.state]]));
    } else if (end.fingerprint === check.good.fingerprint && !check.isOver) receive(check, end);
  }

  function receive(check: RollbackCheck, end: Settlement) {
    check.since = counted(check.since, end, [], true);
    const { rejection, runs, before, since, agent, bad } = check;
    const answer = checkAfterRollback(rejection, runs, before, since);
    if (answer === 'wait') return;
    check.isOver = true;
    if (answer === 'upheld') return;
    if (rollouts.waive(agent, bad.fingerprint, rejection.cause ?? SLOW_CAUSE)) needs.excused(check);
  }

  function withMemory(runs: ProbationRuns, agent: string, fingerprint: string): ProbationRuns {
    const known = memory.get(`${agent} ${fingerprint}`);
    return known ? { ...runs, memoryBytes: known.memoryBytes, readings: known.readings } : runs;
  }

  /** Of states that are neither in force nor what would be gone back to. */
  function forget() {
    const used = new Set([...catalog.agents().values()].map(({ name, fingerprint }) => `${name} ${fingerprint}`));
    for (const { trial } of candidates.values()) used.add(`${trial.agent.name} ${trial.good?.fingerprint}`);
    for (const key of memory.keys()) if (!used.has(key)) memory.delete(key);
  }

  return {
    async start() {
      await loop.start();
      use();
    },
    async stop() {
      await loop.stop();
      await working.settled();
    },
    alive: loop.alive,
    use,
    settled,
    gone(end) {
      const one = candidates.get(end.agent);
      if (!one || one.trial.agent.fingerprint !== end.fingerprint || !SEVERE.has(end.because.code)) return;
      const cause = causeOf(end.because);
      const seen = { is: 'failed' as const, at: time.now(), fault: end.because, cause };
      one.candidate = withEnd(one.candidate, seen, one.trial.excused);
      evaluate(one, end);
    },
    readings(list) {
      for (const { agent, fingerprint, heapBytes, externalBytes } of list) {
        const key = `${agent} ${fingerprint}`;
        memory.set(key, withReading(memory.get(key) ?? noRuns(0), heapBytes + externalBytes));
      }
    },
  };
}
