import type { Catalog, Probationer } from '../../catalog/ports.ts';
import {
  evaluateProbation,
  mainCause,
  noRuns,
  type ProbationDecision,
  type ProbationRuns,
  SEVERE,
  SLOW_CAUSE,
  withEnd,
  withReading,
} from '../../catalog/rollout/probation.ts';
import type { Agent } from '../../jobs/agent.ts';
import { causeOf } from '../../jobs/faults.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { JobQueue, JobRecords, Settlement } from '../../jobs/ports.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { createTasks, type Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { WorkerEnd, WorkerReading } from '../../workers/ports.ts';
import { countEnd, historyOf, type ProbationHistory } from './probation-history.ts';
import { createRollbackChecks, type RollbackReport } from './rollback-checks.ts';

/**
 * Watches the first jobs of every new state of an agent. A state that does worse than the good one before it is taken back,
 * and the jobs that it failed are run again; if the good state fails in the same way, the version was not to blame.
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

interface ProbationNeeds {
  time: Time;
  log: Log;
  catalog: Pick<Catalog, 'rollouts' | 'agents'>;
  store: Pick<JobQueue, 'promote'> & Pick<JobRecords, 'list'>;
  jobs: Pick<Jobs, 'redrive' | 'wake'>;
  /** No worker has to stay warm any more. */
  placementChanged(): void;
  rolledBack(rollback: RollbackReport): void;
  /** The good state fails in the same way: the rejected one is tried again. */
  waived(rollback: RollbackReport): void;
  approved(agent: Agent, why: string): void;
}

/** A state on probation, and what was seen of it. */
interface ProbationRun {
  probationer: Probationer;
  runs: ProbationRuns;
  good: ProbationRuns | undefined;
  /** Jobs that it failed: they are run again if it is bad. */
  failed: Map<string, Settlement['state']>;
  /** Ends that come before the past is read; undefined: it is. */
  early: Settlement[] | undefined;
}

const TURN_MS = 10_000;

export function createProbation(needs: ProbationNeeds): Probation {
  const { time, log, catalog, store } = needs;
  const { rollouts } = catalog;
  const running = new Map<string, ProbationRun>();
  const memory = createMemoryPeaks();
  const checks = createRollbackChecks(needs);
  const begunAt = time.now();
  const working = createTasks((error) => log.error('a step of the probation failed', { fault: toPlainFault(error) }));

  function turn() {
    for (const one of [...running.values()]) evaluate(one);
    memory.keepOnly([...catalog.agents().values(), ...[...running.values()].map(({ probationer: { good } }) => good)]);
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('a turn of the probation failed', { fault: toPlainFault(error) }) },
    { everyMs: TURN_MS, turn },
  );

  function use() {
    const probationers = new Map(rollouts.probationers().map((one) => [one.agent.name, one]));
    for (const [name, { probationer }] of running) {
      if (probationers.get(name)?.agent.fingerprint !== probationer.agent.fingerprint) running.delete(name);
    }
    for (const [name, probationer] of probationers) {
      const known = running.get(name);
      if (known) known.probationer = probationer;
      else begin(name, probationer);
    }
    checks.use();
  }

  function begin(name: string, probationer: Probationer) {
    const good = probationer.good ? noRuns(0) : undefined;
    const runs = noRuns(probationer.since);
    const one: ProbationRun = { probationer, runs, good, failed: new Map(), early: undefined };
    running.set(name, one);
    // The first state of an agent that is new to this host has no past to look for.
    if (!probationer.good && probationer.since >= begunAt) return;
    one.early = [];
    working.add(
      historyOf(store, probationer)
        .catch((error): ProbationHistory | undefined => {
          log.warn(`earlier runs of ${name} could not be read: they do not count`, { fault: toPlainFault(error) });
          return undefined;
        })
        .then((history) => seed(one, history)),
    );
  }

  function seed(one: ProbationRun, history: ProbationHistory | undefined) {
    const early = one.early ?? [];
    one.early = undefined;
    if (history) {
      one.runs = history.runs;
      if (one.good) one.good = history.good;
      for (const [job, state] of history.failed) one.failed.set(job, state);
    }
    for (const end of early) if (!history?.ends.has(`${end.job} ${end.attempt}`)) count(one, end);
    evaluate(one);
  }

  function count(one: ProbationRun, end: Settlement) {
    if (end.state === 'dead' || end.state === 'retrying') one.failed.set(end.job, end.state);
    else one.failed.delete(end.job);
    one.runs = countEnd(one.runs, end, one.probationer.waived, false);
  }

  function evaluate(one: ProbationRun, end?: WorkerEnd) {
    const { agent, good, waived } = one.probationer;
    if (one.early || running.get(agent.name) !== one) return;
    const seen = memory.addTo(one.runs, agent);
    const runs = waived.includes(SLOW_CAUSE) ? { ...seen, durations: [] } : seen;
    const decision = evaluateProbation(runs, one.good && memory.addTo(one.good, good!), time.now());
    if (decision.is === 'good') approve(one, decision.why);
    if (decision.is === 'bad') rollBack(one, decision, runs, end);
  }

  function approve({ probationer: { agent, good } }: ProbationRun, why: string) {
    running.delete(agent.name);
    if (!rollouts.approve(agent.name, agent.fingerprint)) return;
    if (good) needs.placementChanged();
    needs.approved(agent, why);
  }

  /** Acts first: when `reject` returns, the good state is in force. */
  function rollBack(
    one: ProbationRun,
    { kind, why, cause }: ProbationDecision & { is: 'bad' },
    runs: ProbationRuns,
    end?: WorkerEnd,
  ) {
    const { agent: bad, good } = one.probationer;
    const rejection = { kind, why, cause: cause ?? mainCause(runs) };
    if (!good || !rollouts.reject(bad.name, bad.fingerprint, rejection)) return;
    const rollback: RollbackReport = { agent: bad.name, bad, good, rejection, runs, end };
    needs.rolledBack(rollback);
    checks.begin(rollback, one.good ?? noRuns(0), one.failed);
  }

  return {
    async start() {
      await loop.start();
      use();
    },
    async stop() {
      await loop.stop();
      await working.settled();
      await checks.stop();
    },
    alive: loop.alive,
    use,
    settled(end, agent) {
      const one = running.get(agent);
      if (!one || end.fingerprint !== one.probationer.agent.fingerprint) checks.settled(end, agent);
      else if (one.early) one.early.push(end);
      else {
        count(one, end);
        evaluate(one);
      }
    },
    gone(end) {
      const one = running.get(end.agent);
      if (!one || one.probationer.agent.fingerprint !== end.fingerprint || !SEVERE.has(end.because.code)) return;
      const failed = { is: 'failed', at: time.now(), fault: end.because, cause: causeOf(end.because) } as const;
      one.runs = withEnd(one.runs, failed, one.probationer.waived);
      evaluate(one, end);
    },
    readings: memory.read,
  };
}

/** The most memory that workers of each state were seen to hold. */
function createMemoryPeaks() {
  const peaks = new Map<string, ProbationRuns>();
  const keyOf = (name: string, fingerprint: string | undefined) => `${name} ${fingerprint}`;
  return {
    read(list: readonly WorkerReading[]) {
      for (const { agent, fingerprint, heapBytes, externalBytes } of list) {
        const key = keyOf(agent, fingerprint);
        peaks.set(key, withReading(peaks.get(key) ?? noRuns(0), heapBytes + externalBytes));
      }
    },
    addTo(runs: ProbationRuns, state: Agent): ProbationRuns {
      const known = peaks.get(keyOf(state.name, state.fingerprint));
      return known ? { ...runs, memoryBytes: known.memoryBytes, readings: known.readings } : runs;
    },
    /** Forgets the states that are neither in force nor what a rollback would go back to. */
    keepOnly(states: readonly (Agent | null)[]) {
      const used = new Set(states.flatMap((state) => (state ? keyOf(state.name, state.fingerprint) : [])));
      for (const key of peaks.keys()) if (!used.has(key)) peaks.delete(key);
    },
  };
}
