import { isDeepStrictEqual } from 'node:util';
import { isStale, type JobEvent, type JobLife, newJob, stepJob } from '../../src/jobs/job-state.ts';
import type { JobState, NewJob } from '../../src/jobs/model.ts';
import type { AttemptRef, ClaimAnswer, ClaimTerms, Owner, Settlement } from '../../src/jobs/ports.ts';

interface ModelJob {
  id: string;
  age: number;
  agent: string;
  priority: number;
  key: string | undefined;
  life: JobLife;
  /** The last end that was written down. */
  end?: unknown[];
}

/** The event of one attempt's end, as `stepJob` takes it. */
export type End = Extract<JobEvent, { is: 'done' | 'failed' | 'lost' | 'cancelled' }>;

/**
 * The jobs of a store in the plainest way: one list that is looked through, in which nothing changes but by `stepJob`.
 * Which job an op means (the key, the order of claims) is written here; what becomes of it is not.
 */
export class JobModel {
  readonly jobs: ModelJob[] = [];

  /** undefined: a new job; else the id that has to come back. */
  add(job: NewJob, now: number, id: string): string | undefined {
    const first = this.holderOf(job.agent, job.key);
    if (first) return first.id;
    const life = newJob(job.runAt ?? now + (job.inMs ?? 0), job.attempts, job.staleAt ?? null);
    this.jobs.push({ id, age: this.jobs.length, agent: job.agent, priority: job.priority ?? 0, key: job.key, life });
    return undefined;
  }

  claim(
    agent: string,
    limit: number,
    { owner, leaseMs }: ClaimTerms,
    now: number,
  ): Pick<ClaimAnswer, 'nextInMs'> & { taken: AttemptRef[] } {
    const taken: AttemptRef[] = [];
    for (const { id, runAt } of this.ready(agent)) {
      if (runAt > now || taken.length === limit) continue;
      if (isStale(this.find(id)!.life, now)) this.step(id, { is: 'stale', now });
      else if (this.step(id, { is: 'claimed', owner, leaseUntil: now + leaseMs, now }))
        taken.push({ job: id, attempt: this.find(id)!.life.attempt });
    }
    const left = this.ready(agent).map(({ runAt }) => runAt);
    return { taken, nextInMs: left.length > 0 ? Math.min(...left) - now : null };
  }

  /** What was cancelled was this; undefined when there was nothing to cancel. */
  cancel(id: string): JobState | undefined {
    const was = this.find(id)?.life.is;
    return this.step(id, { is: 'cancelled' }) ? was : undefined;
  }

  /** The job that has the key: a cancelled one has it no more. */
  holderOf(agent: string, key: string | undefined): ModelJob | undefined {
    if (key === undefined) return undefined;
    return this.jobs.find((job) => job.agent === agent && job.key === key && job.life.is !== 'cancelled');
  }

  /** A cancelled job whose key another has by now stays what it is. */
  redrive(id: string, now: number): boolean {
    const job = this.find(id);
    const holder = job && this.holderOf(job.agent, job.key);
    return (holder === undefined || holder === job) && this.step(id, { is: 'redriven', now });
  }

  /** Ends an attempt; the same end once more is accepted and changes nothing. */
  settle(settlement: Settlement, event: End): boolean {
    const job = this.find(settlement.job);
    if (this.step(settlement.job, event)) {
      job!.end = identityOf(settlement);
      return true;
    }
    return (
      job?.life.is === settlement.state && job.end !== undefined && isDeepStrictEqual(job.end, identityOf(settlement))
    );
  }

  /** Attempts that nobody holds any more, as `owner` sees it. */
  abandoned(owner: Owner, now: number): AttemptRef[] {
    return this.jobs
      .map(({ id, life }) => ({ job: id, attempt: life.attempt, life }))
      .filter(({ life, attempt }) => stepJob(life, { is: 'lost', attempt, owner, now, again: now }) !== 'refused')
      .map(({ job, attempt }) => ({ job, attempt }));
  }

  /** Whether the event fitted; only then something changed. */
  step(id: string, event: JobEvent): boolean {
    const job = this.find(id);
    const next = job ? stepJob(job.life, event) : 'refused';
    if (!job || next === 'refused') return false;
    job.life = next;
    if (event.is !== 'promoted' && event.is !== 'renewed') delete job.end;
    return true;
  }

  find(id: string): ModelJob | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  /** In the order in which they are claimed. */
  private ready(agent: string): { id: string; runAt: number }[] {
    return this.jobs
      .filter((job) => job.agent === agent)
      .flatMap(({ id, priority, age, life }) =>
        'runAt' in life && life.is !== 'running' ? { id, priority, age, runAt: life.runAt } : [],
      )
      .sort((a, b) => b.priority - a.priority || a.runAt - b.runAt || a.age - b.age);
  }
}

/** What makes two ends the same end. */
function identityOf({ attempt, startedAt, finishedAt, result, summary, error }: Settlement): unknown[] {
  return [attempt, startedAt, finishedAt, result ?? null, summary ?? null, error ?? null];
}
