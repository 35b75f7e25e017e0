import { createInputCheck } from '../../catalog/files/input-check.ts';
import { whyOfAct } from '../../jobs/batch.ts';
import { jobUnknown } from '../../jobs/faults.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import { type JobId, UNFINISHED } from '../../jobs/model.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { subject } from '../../kernel/subjects.ts';
import type { JobView } from '../../operations/results/job.ts';
import { toJson } from '../../workers/inside/json.ts';
import { mustTakeJobs } from '../always-agents.ts';
import type { HostContext } from '../host-context.ts';
import type { LogLevels } from '../log-levels.ts';
import { mustTakeSend } from '../pressure.ts';
import { type OpCall, type OpTable, whoOf } from './handlers.ts';
import { createHoldUps } from './hold-ups.ts';
import { agentInForce, listingOf } from './known.ts';
import { createJobSets } from './ops-batch.ts';
import { viewJob } from './views.ts';

type JobOps = Pick<OpTable, 'run' | 'cancel' | 'cancelMany' | 'replay' | 'drop'>;

/** The operations by which people change jobs. These operations are recorded as events and in the log. */
export function jobOps(hostContext: HostContext): JobOps {
  const { store, jobs, catalog, guests, events, healer, journal } = hostContext;
  const sets = createJobSets(hostContext);
  const holdUpsOf = createHoldUps(hostContext);
  const inputCheck = createInputCheck();
  const debugRuns = createDebugRuns(hostContext);

  async function jobById(id: string): Promise<JobView> {
    const job = await store.get(id);
    if (!job) throw jobUnknown(id);
    return { ...viewJob(job), holdUp: (await holdUpsOf([job]))[0]! };
  }

  /** A job that is dead or cancelled; rejects with `JOB_NOT_DEAD` for any other. */
  async function endedJob(id: string): Promise<JobView> {
    const job = await jobById(id);
    if (job.state === 'dead' || job.state === 'cancelled') return job;
    throw new Fault({
      code: 'JOB_NOT_DEAD',
      message: `${id} is ${job.state}; only dead and cancelled jobs can be run again or dropped`,
      next: job.state === 'done' ? `daruma run ${job.agent}` : `daruma jobs ${id}`,
    });
  }

  return {
    async run({ agent: name, input, wait, key, priority, attempts, debug }, { gone }) {
      const agent = guests.agents().get(name) ?? agentInForce(catalog, name);
      mustTakeJobs(agent);
      mustTakeSend(hostContext.pressure, { how: 'this run is', to: [agent], priority });
      const text = toJson(input, 'the input', 'input');
      const wrong = inputCheck(agent, text);
      if (wrong) throw new Fault(wrong);
      const isHeldBack = healer.quarantine(name) !== undefined;
      // A person who runs a job of a quarantined agent wants to know whether the agent works again: this job is the probe.
      const first = isHeldBack && priority === undefined ? BOUNDS.priority.most : priority;
      const asked = { agent: agent.name, trigger: 'manual' as const, input: text };
      const terms = { attempts: attempts ?? agent.limits.attempts, ...given({ key, priority: first }) };
      const add = async () => (await jobs.add([{ ...asked, ...terms }]))[0]!;
      const { id, first: holder } = await (debug ? debugRuns.begin(name, add) : add());
      if (isHeldBack && (!holder || UNFINISHED.includes(holder.state))) healer.probeNow(name);
      if (wait) await jobs.finished(id, gone);
      const usedKey = holder && { since: isoOf(holder.queuedAt), state: holder.state, sameInput: holder.sameInput };
      const job = await jobById(id);
      return { ...(isHeldBack ? asProbe(job) : job), usedKey: usedKey ?? null };
    },

    async cancel({ id }, call) {
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
        ...actOn(id, call),
      });
      return job;
    },

    async cancelMany({ dryRun, agent, ...asked }, call) {
      if (agent !== undefined && (await store.list({ agent, limit: 1 })).length === 0) listingOf(catalog, agent);
      return sets.act('cancel', { ...asked, agent, stale: false }, { ...call, dryRun });
    },

    async replay({ dryRun, id, debug, ...asked }, call) {
      if (id === undefined) return sets.act('replay', asked, { ...call, dryRun });
      const { agent } = await endedJob(id);
      if (dryRun) return { count: 1, jobs: [id], dryRun };
      const again = async () => {
        if ((await jobs.redrive([id])).length === 0) throw keyInUse(id);
        return { id };
      };
      await (debug ? debugRuns.begin(agent, again) : again());
      const row = { kind: 'job.replayed', agent, message: `${id} is run again`, data: { id } };
      events.record('info', { ...row, ...actOn(id, call) });
      return { count: 1, jobs: [id], dryRun };
    },

    async drop({ dryRun, id, ...asked }, call) {
      if (id === undefined) return sets.act('drop', { ...asked, stale: false }, { ...call, dryRun });
      const { agent } = await endedJob(id);
      const jobs = dryRun
        ? [id]
        : await store.drop(
            [id],
            whyOfAct('drop', asked.reason === undefined ? null : journal.scrub.text(asked.reason)),
          );
      if (dryRun) return { count: 1, jobs, dryRun };
      const row = { kind: 'job.dropped', agent, message: `${id} was dropped`, data: { id } };
      events.record('info', { ...row, ...actOn(id, call) });
      return { count: jobs.length, jobs, dryRun };
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

/** The end of a job, where it has an event, is what an act on the job came of. */
function actOn(id: JobId, call: Pick<OpCall, 'by'>) {
  return { about: [subject.job(id)], cameOf: [subject.job(id)], ...given({ who: whoOf(call) }) };
}

function keyInUse(id: JobId): Fault {
  return new Fault({
    code: 'KEY_TAKEN',
    message: `${id} is not run again: another job has its key by now`,
    next: `daruma jobs ${id}`,
  });
}

/** Jobs during which their agent logs at debug level. */
interface DebugRuns {
  /** Sets the level, then queues the job by `queue`. Rejects as `queue` does. */
  begin<Queued extends { id: JobId }>(agent: string, queue: () => Promise<Queued>): Promise<Queued>;
}

interface DebugRunsNeeds {
  logLevels: Pick<LogLevels, 'debug'>;
  jobs: Pick<Jobs, 'finished'>;
}

function createDebugRuns({ logLevels, jobs }: DebugRunsNeeds): DebugRuns {
  return {
    async begin(agent, queue) {
      const end = logLevels.debug(agent);
      try {
        const queued = await queue();
        jobs.finished(queued.id).then(end, end);
        return queued;
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
  };
}
