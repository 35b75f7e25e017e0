import type { JobState, NewJob } from '../../src/jobs/model.ts';
import type { AttemptRef, ClaimAnswer, Settlement } from '../../src/jobs/ports.ts';

interface ModelJob {
  id: string;
  age: number;
  agent: string;
  state: JobState;
  attempt: number;
  attempts: number;
  allowed: number;
  priority: number;
  runAt: number;
  staleAt: number | null;
  key: string | undefined;
}

/** The jobs of a store as the ports describe them, in the plainest way: one list that is looked through. */
export class JobModel {
  readonly jobs: ModelJob[] = [];

  /** undefined: a new job; else the id that has to come back. */
  add(job: NewJob, now: number, id: string): string | undefined {
    const first = job.key === undefined ? undefined : this.jobs.find((j) => j.agent === job.agent && j.key === job.key);
    if (first) return first.id;
    this.jobs.push({
      id,
      age: this.jobs.length,
      agent: job.agent,
      state: 'queued',
      attempt: 0,
      attempts: job.attempts,
      allowed: job.attempts,
      priority: job.priority ?? 0,
      runAt: job.runAt ?? now,
      staleAt: job.staleAt ?? null,
      key: job.key,
    });
    return undefined;
  }

  claim(agent: string, limit: number, now: number): Pick<ClaimAnswer, 'nextAt'> & { taken: AttemptRef[] } {
    const order = (a: ModelJob, b: ModelJob) => b.priority - a.priority || a.runAt - b.runAt || a.age - b.age;
    const taken: AttemptRef[] = [];
    for (const job of this.ready(agent).sort(order)) {
      if (job.runAt > now || taken.length === limit) continue;
      if (job.staleAt !== null && job.staleAt < now) {
        job.state = 'cancelled';
        continue;
      }
      job.state = 'running';
      taken.push({ job: job.id, attempt: ++job.attempt });
    }
    const left = this.ready(agent).map((job) => job.runAt);
    return { taken, nextAt: left.length > 0 ? Math.min(...left) : null };
  }

  settle(end: Settlement): boolean {
    const job = this.held(end);
    if (!job) return false;
    job.state = end.state;
    if (end.state === 'retrying') job.runAt = end.runAt!;
    return true;
  }

  release(ref: AttemptRef): void {
    const job = this.held(ref);
    if (!job) return;
    job.attempt--;
    job.state = job.attempt === 0 ? 'queued' : 'retrying';
  }

  cancel(id: string): JobState | undefined {
    const job = this.find(id);
    const was = job?.state;
    if (!job || !was || !['queued', 'running', 'retrying'].includes(was)) return undefined;
    job.state = 'cancelled';
    return was;
  }

  redrive(id: string, now: number): boolean {
    const job = this.find(id);
    if (job?.state !== 'dead' && job?.state !== 'cancelled') return false;
    Object.assign(job, { state: 'queued', attempts: job.attempt + job.allowed, runAt: now, staleAt: null });
    return true;
  }

  drop(id: string): boolean {
    const job = this.find(id);
    if (job?.state !== 'dead') return false;
    job.state = 'cancelled';
    return true;
  }

  held(ref: AttemptRef): ModelJob | undefined {
    const job = this.find(ref.job);
    return job?.state === 'running' && job.attempt === ref.attempt ? job : undefined;
  }

  find(id: string): ModelJob | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  private ready(agent: string): ModelJob[] {
    return this.jobs.filter((job) => job.agent === agent && (job.state === 'queued' || job.state === 'retrying'));
  }
}
