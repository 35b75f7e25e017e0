import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Agent } from './agent.ts';
import { createAttemptEnds } from './attempt-ends.ts';
import { createClaims } from './claims.ts';
import { jobUnknown } from './faults.ts';
import { createHeldJobs, type HeldJobs } from './held.ts';
import type { Added, Job, JobId, NewJob } from './model.ts';
import type { Hold } from './placement.ts';
import type { AttemptRef, JobChange, JobQueue, JobRecords, Owner, Settlement } from './ports.ts';
import { settleLost } from './settle.ts';
import { createWaiters } from './waiters.ts';
import type { HoldUp } from './waiting.ts';
import type { WorkerEvents, WorkerPort } from './worker-port.ts';

/**
 * Owns every job from the moment it is accepted: an accepted job is on disk, and ends as done, dead or cancelled. A job is run
 * at least once; an attempt that lost its lease cannot change it any more.
 */
export interface Jobs extends Service, WorkerEvents {
  /** Accepts jobs; resolves when they are on disk. */
  add(jobs: NewJob[]): Promise<Added[]>;
  /** The agent's jobs may start now: it is new, changed or resumed. */
  wake(agent: string): void;
  /** Resolves with the job once it is done, dead or cancelled. */
  finished(id: JobId, signal?: AbortSignal): Promise<Job>;
  /** The agents' attempts that are on workers or on their way. */
  held(): number;
  /** The runs of agents that run always, and how long each has gone on, in ms. */
  runs(): ReturnType<HeldJobs['runs']>;
  /** The hops of a job that is on a worker, from the job that no job made; undefined for any other. */
  depthOf(id: JobId): number | undefined;
  /** Calls back with each end that was written down. */
  onSettled(call: (settlement: Settlement, agent: string) => void): void;
  /** Cancels an unfinished job, its running attempt included; undefined when there was nothing to cancel. */
  cancel(id: JobId, why: PlainFault): Promise<Job | undefined>;
  /** The same of many, in batches between which others have their turn; returns those that were cancelled. */
  cancelMany(ids: JobId[], why: PlainFault): Promise<JobId[]>;
  /** Gives dead or cancelled jobs all their attempts anew, in batches; returns those that have them. */
  redrive(ids: JobId[]): Promise<JobId[]>;
}

interface JobsNeeds {
  time: Time;
  log: Log;
  store: JobQueue & JobRecords;
  workers: WorkerPort;
  /** The agent as the workers know it that take its jobs; undefined while it is unknown or off. */
  agent(name: string): Agent | undefined;
  /** The hold that keeps jobs of the agent from starting. Default: none ever. */
  holdOf?(name: string): Hold | null;
  /** For an attempt that failed of something that it could do nothing about: what its job waits for. Default: nothing ever. */
  heldUp?(ref: AttemptRef, agent: string, fault: PlainFault): HoldUp | undefined;
}

interface JobsOptions {
  /** Names this run of the host in leases. */
  owner: Owner;
  /** How long a claim holds without being renewed. Default 30 s. */
  leaseMs?: number;
}

const SWEEP_MS = 10_000;
/** A batch takes the store some 10 ms, which is what anybody else waits for it. */
const AT_ONCE = 500;

export function createJobs(needs: JobsNeeds, { owner, leaseMs = 30_000 }: JobsOptions): Jobs {
  const { time, log, store, workers } = needs;
  const held = createHeldJobs(time);
  const waiters = createWaiters();
  let unfollow = () => {};
  const sweeps = createLoop(
    // A sweep that the store refuses counts as progress: a new host would find the same full disk.
    { time, failed: (error) => log.error('the sweep of jobs failed', { fault: toPlainFault(error) }) },
    { everyMs: SWEEP_MS, turn: sweep },
  );
  const isAtWork = () => sweeps.alive() !== undefined;

  const claims = createClaims(
    {
      time,
      store,
      workers,
      agent: (name) => (isAtWork() ? needs.agent(name) : undefined),
      holdOf: (name) => needs.holdOf?.(name) ?? null,
      underWay: held.countOf,
      taken: held.take,
      failed: (error) => log.error('the store refused a claim', { fault: toPlainFault(error) }),
    },
    { owner, leaseMs },
  );
  const ends = createAttemptEnds({
    ...{ time, log, store, held, waiters },
    agent: needs.agent,
    heldUp: (...facts) => needs.heldUp?.(...facts),
    dueIn: claims.dueIn,
    hasStopped: () => !isAtWork(),
  });

  // The end of a job makes room for those with its key, once it is written down.
  ends.onSettled((_, agent) => {
    if (needs.agent(agent)?.keyLimit) claims.wake(agent);
  });

  /** Follows what happens to jobs, whichever host does it. */
  function follow(change: JobChange): void {
    switch (change.is) {
      case 'queued':
        if (change.agent !== null) claims.dueIn(change.agent, change.inMs);
        else wakeWaiting().catch((error) => log.warn('waiting jobs could not be read', { fault: toPlainFault(error) }));
        return;
      case 'cancelled': {
        const facts = held.get(change.job);
        if (facts?.attempt === change.attempt) {
          facts.isCancelled = true;
          workers.abort({ job: change.job, attempt: change.attempt }, change.why);
        }
        waiters.release(change.job);
        return;
      }
      case 'ended':
        waiters.release(change.job);
    }
  }

  async function wakeWaiting() {
    for (const { agent, inMs } of await store.waiting()) claims.dueIn(agent, inMs);
  }

  /**
   * Settles attempts without a holder, of this host's earlier runs and of others whose lease is over: before a new job starts,
   * and with each sweep. An attempt that this host has, and could not renew in time, is still its own.
   */
  async function takeOver() {
    for (;;) {
      const found = await store.abandoned(owner);
      const lost = found.filter(({ id, attempt }) => held.get(id)?.attempt !== attempt);
      if (lost.length === 0) return;
      log.warn(`${lost.length} jobs were running when their host ended; they are tried again`, { jobs: lost.length });
      await ends.write(lost.map((job) => settleLost(job, time.now(), time.random())));
    }
  }

  /** Renews leases, settles attempts that lost their owner, and wakes agents whose new jobs were not announced. */
  async function sweep() {
    const refs = held.heldFor(leaseMs / 3);
    const lost = refs.length > 0 ? await store.renew(refs, leaseMs) : [];
    for (const ref of lost) {
      workers.abort(ref, { code: 'LEASE_LOST', message: 'the job was cancelled or given to another attempt' });
    }
    await takeOver();
    await wakeWaiting();
  }

  return {
    async start() {
      if (isAtWork()) return;
      unfollow = store.changes(follow);
      await takeOver();
      await sweeps.start();
    },
    async stop() {
      const stopped = sweeps.stop();
      claims.stop();
      await stopped;
      await ends.written();
      unfollow();
    },
    alive: sweeps.alive,

    add: (jobs) => store.add(jobs),
    cancel: (id, why) => store.cancel(id, why),
    cancelMany: (ids, why) => inBatches(ids, async (batch) => (await store.cancelMany(batch, why)).map(({ id }) => id)),
    redrive: (ids) => inBatches(ids, (batch) => store.redrive(batch)),
    wake: claims.wake,
    async finished(id, signal) {
      for (;;) {
        // Joined before it is looked at, so that an end in between is not missed.
        const { ended, leave } = waiters.join(id, signal);
        try {
          const job = await store.get(id);
          if (!job) throw jobUnknown(id);
          if (job.state === 'done' || job.state === 'dead' || job.state === 'cancelled') return job;
          await ended;
        } finally {
          leave();
        }
      }
    },
    held: held.size,
    runs: held.runs,
    depthOf: (id) => held.get(id)?.depth,
    onSettled: ends.onSettled,
    ended: ends.ended,
    released: ends.released,
    capacityChanged: claims.wake,
  };
}

async function inBatches(ids: readonly JobId[], change: (batch: JobId[]) => Promise<JobId[]>): Promise<JobId[]> {
  const changed: JobId[] = [];
  for (let at = 0; at < ids.length; at += AT_ONCE) changed.push(...(await change(ids.slice(at, at + AT_ONCE))));
  return changed;
}
