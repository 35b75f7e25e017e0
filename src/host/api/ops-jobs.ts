import { createInputCheck } from '../../catalog/files/input-check.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import { type JobId, UNFINISHED } from '../../jobs/model.ts';
import type { JobSet } from '../../jobs/ports.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { JobView } from '../../operations/results/job.ts';
import type { Ops } from '../../operations/table.ts';
import type { HostContext } from '../host-context.ts';
import type { OpTable } from './handlers.ts';
import { createHoldUps } from './hold-ups.ts';
import { agentInForce, listingOf } from './known.ts';
import { iso, viewJob } from './views.ts';

type JobOps = Pick<OpTable, 'run' | 'cancel' | 'cancelMany' | 'replay' | 'drop'>;

/** As many ids are read at a time, and as many are named in an answer. */
const MOST_READ = 100_000;
const MOST_NAMED = 1_000;

/** The operations by which people change jobs. Each is recorded as an event and in the log. */
export function jobOps(hostContext: HostContext): JobOps {
  const { store, jobs, catalog, guests, events, healer } = hostContext;
  const holdUpOf = createHoldUps(hostContext);
  const inputCheck = createInputCheck();

  async function jobById(id: string): Promise<JobView> {
    const job = await store.get(id);
    if (!job) throw jobUnknown(id);
    return { ...viewJob(job), holdUp: holdUpOf(job) };
  }

  /** The ended job of an id, or a Fault that says what else to do. */
  async function endedJob(id: string): Promise<JobId[]> {
    const job = await jobById(id);
    if (job.state === 'dead' || job.state === 'cancelled') return [job.id];
    throw new Fault({
      code: 'JOB_NOT_DEAD',
      message: `${id} is ${job.state}; only dead and cancelled jobs can be run again or dropped`,
      next: job.state === 'done' ? `daruma run ${job.agent}` : `daruma jobs ${id}`,
    });
  }

  /** The set that is named, and how many there are; a Fault when it is everything, or a cause of nothing. */
  async function measure(set: JobSet): Promise<number> {
    if (set.agent === undefined && set.cause === undefined) {
      throw new Fault({ code: 'USAGE', message: 'name a job, a cause or an agent', next: 'daruma dlq' });
    }
    const count = (await store.count(set)).reduce((sum, one) => sum + one.count, 0);
    if (count > 0 || set.cause === undefined) return count;
    const states = set.states.join(' or ');
    throw new Fault({
      code: 'CAUSE_UNKNOWN',
      message: `no ${states} job has the cause ${set.cause}`,
      next: 'daruma dlq',
    });
  }

  /**
   * Does something to every job of the set that is there now, the newest first; each of them is met once, whatever it
   * becomes meanwhile. Returns how many it was done to, and the first of their ids.
   */
  async function each(set: JobSet, act: (ids: JobId[]) => Promise<JobId[]>): Promise<{ count: number; jobs: JobId[] }> {
    const named: JobId[] = [];
    let count = 0;
    for (let before: JobId | undefined; ; ) {
      const ids = await store.ids({ ...set, ...(before === undefined ? {} : { before }) });
      const done = await act(ids);
      count += done.length;
      named.push(...done.slice(0, MOST_NAMED - named.length));
      before = ids.at(-1);
      if (ids.length < MOST_READ) return { count, jobs: named };
    }
  }

  /** The jobs that an id, a cause or an agent names: how many, and what is done to them. */
  async function ended(
    which: Ops['replay']['read'],
    act: (ids: JobId[]) => Promise<JobId[]>,
  ): Promise<{ count: number; jobs: JobId[] }> {
    const { id, cause, agent, states, dryRun } = which;
    if (id !== undefined) {
      const ids = await endedJob(id);
      const done = dryRun ? ids : await act(ids);
      return { count: done.length, jobs: done };
    }
    const set: JobSet = {
      states: states ?? ['dead'],
      ...(cause === undefined ? {} : { cause }),
      ...(agent === undefined ? {} : { agent }),
    };
    const count = await measure(set);
    if (!dryRun) return each(set, act);
    return { count, jobs: (await store.ids(set)).slice(0, MOST_NAMED) };
  }

  return {
    async run({ agent: name, input, wait, key, priority, attempts }, { gone }) {
      const agent = guests.agents().get(name) ?? agentInForce(catalog, name);
      const text = input === undefined ? null : JSON.stringify(input);
      const wrong = inputCheck(agent, text);
      if (wrong) throw new Fault(wrong);
      const isHeldBack = healer.quarantine(name) !== undefined;
      // A person who runs a job of a quarantined agent wants to know whether the agent works again: this job is the probe.
      const first = isHeldBack && priority === undefined ? BOUNDS.priority.most : priority;
      const [added] = await jobs.add([
        {
          agent: agent.name,
          trigger: 'manual',
          input: text,
          attempts: attempts ?? agent.limits.attempts,
          ...(key === undefined ? {} : { key }),
          ...(first === undefined ? {} : { priority: first }),
        },
      ]);
      const { id, first: holder } = added!;
      if (isHeldBack && (!holder || UNFINISHED.includes(holder.state))) healer.probeNow(name);
      if (wait) await jobs.finished(id, gone);
      const usedKey = holder && { since: iso(holder.queuedAt), state: holder.state, sameInput: holder.sameInput };
      const job = await jobById(id);
      return { ...(isHeldBack ? asProbe(job) : job), usedKey: usedKey ?? null };
    },

    async cancel({ id }) {
      const was = await jobs.cancel(id, { code: 'CANCELLED', message: 'cancelled by hand' });
      const job = await jobById(id);
      if (!was) {
        throw new Fault({ code: 'JOB_ENDED', message: `${id} is ${job.state} already`, next: `daruma jobs ${id}` });
      }
      events.record('info', {
        kind: 'job.cancelled',
        agent: job.agent,
        message: `${id} was cancelled by hand`,
        data: { job: id },
      });
      return job;
    },

    async cancelMany({ agent, states, cause, dryRun }) {
      if (agent !== undefined && (await store.list({ agent, limit: 1 })).length === 0) listingOf(catalog, agent);
      const set: JobSet = {
        states: states ?? [...UNFINISHED],
        ...(agent === undefined ? {} : { agent }),
        ...(cause === undefined ? {} : { cause }),
      };
      const count = await measure(set);
      if (dryRun) return { count, jobs: (await store.ids(set)).slice(0, MOST_NAMED), dryRun };
      const why = { code: 'CANCELLED', message: 'cancelled by hand, with others' };
      const done = await each(set, (ids) => jobs.cancelMany(ids, why));
      const message = `${done.count} jobs were cancelled by hand`;
      events.record('info', { kind: 'job.cancelled', agent: agent ?? null, message, data: { ...set } });
      return { ...done, dryRun };
    },

    async replay({ dryRun, ...which }) {
      const done = await ended({ ...which, dryRun }, jobs.redrive);
      if (dryRun) return { ...done, dryRun };
      if (which.id !== undefined && done.count === 0) throw keyInUse(which.id);
      const message = `${done.count} jobs are run again`;
      events.record('info', { kind: 'job.replayed', agent: which.agent ?? null, message, data: { ...which } });
      return { ...done, dryRun };
    },

    async drop({ dryRun, ...which }) {
      const why = { code: 'DROPPED', message: 'dropped by hand' };
      const done = await ended({ ...which, states: ['dead'], dryRun }, (ids) => store.drop(ids, why));
      if (dryRun) return { ...done, dryRun };
      const message = `${done.count} dead jobs were dropped`;
      events.record('info', { kind: 'job.dropped', agent: null, message, data: { ...which } });
      return { ...done, dryRun };
    },
  };
}

/** A job that was asked for by hand goes first, so it is what is tried next. */
function asProbe(job: JobView): JobView {
  const { holdUp } = job;
  if (holdUp?.is !== 'quarantined' || holdUp.until !== null) return job;
  const text = `${job.agent} is in quarantine: this job is its next probe, before all others that wait`;
  return { ...job, holdUp: { ...holdUp, text } };
}

function keyInUse(id: JobId): Fault {
  return new Fault({
    code: 'KEY_TAKEN',
    message: `${id} is not run again: another job has its key by now`,
    next: `daruma jobs ${id}`,
  });
}
