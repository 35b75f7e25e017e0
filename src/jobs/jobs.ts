import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createTasks, type Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Agent } from './agent.ts';
import { boundedEnd } from './bounded-end.ts';
import { createJobChanges, type JobChanges } from './changes.ts';
import { createClaims } from './claims.ts';
import { jobUnknown } from './faults.ts';
import { countOf, type HeldAttempt } from './held.ts';
import { laterOrCount } from './later.ts';
import { BACKOFF_OF_UNKNOWN, settleLost } from './lost.ts';
import type { Added, Job, JobId, NewJob } from './model.ts';
import { withNarrowing } from './narrowed.ts';
import { createPersistentWrites } from './persistent-writes.ts';
import type { Hold } from './placement.ts';
import type {
  AttemptRef,
  JobChange,
  JobQueue,
  JobRecords,
  Owner,
  Settlement,
  WorkerEvents,
  WorkerPort,
} from './ports.ts';
import { type AttemptEnd, settle } from './step.ts';
import { createWaiters } from './waiters.ts';
import { type HoldUp, waitOrGiveUp } from './waiting.ts';
import { writeSettlements } from './write-ends.ts';

/**
 * Owns every job from the moment it is accepted: an accepted job is on disk, and ends as done, dead or cancelled.
 * It is run at least once; an attempt that lost its lease cannot change it any more.
 */
export interface Jobs extends Service, WorkerEvents, JobChanges {
  /** Accepts jobs; resolves when they are on disk. */
  add(jobs: NewJob[]): Promise<Added[]>;
  /** The agent's jobs may start now: it is new, changed or resumed. */
  wake(agent: string): void;
  /** Resolves with the job once it is done, dead or cancelled. */
  finished(id: JobId, signal?: AbortSignal): Promise<Job>;
  /** The agents' attempts that are on workers or on their way. */
  held(): number;
  /** The hops of a job that is on a worker, from the job that no job made; undefined for any other. */
  depthOf(id: JobId): number | undefined;
  /** Calls back with each end that was written down. */
  onSettled(call: (settlement: Settlement, agent: string) => void): void;
}

interface JobsNeeds {
  time: Time;
  log: Log;
  store: JobQueue & JobRecords;
  workers: WorkerPort;
  /** The agent as the workers know it that take its jobs; undefined while it is unknown or off. */
  agent(name: string): Agent | undefined;
  /** What keeps jobs of the agent from starting. Default: nothing ever. */
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

/** The end of an attempt, and who tells it. */
type EndedAttempt = Parameters<WorkerEvents['ended']>[0][number];

const SWEEP_MS = 10_000;

export function createJobs(needs: JobsNeeds, options: JobsOptions): Jobs {
  const { time, log, store, workers } = needs;
  const leaseMs = options.leaseMs ?? 30_000;
  const held = new Map<JobId, HeldAttempt>();
  const waiters = createWaiters();
  const listeners: ((settlement: Settlement, agent: string) => void)[] = [];
  const writing = createTasks((error) => log.error('an end could not be written', { fault: toPlainFault(error) }));
  let turned: number | undefined;
  let cancelSweep = () => {};
  let unfollow = () => {};
  const surely = createPersistentWrites(needs, () => turned === undefined);

  const claims = createClaims(
    {
      time,
      store,
      workers,
      agent: (name) => (turned === undefined ? undefined : needs.agent(name)),
      holdOf: (name) => needs.holdOf?.(name) ?? null,
      underWay: (name) => countOf(held.values(), name),
      taken(assignments) {
        const since = time.monotonic();
        for (const { job, agent, attempt, attempts, depth = 0 } of assignments)
          held.set(job, { agent, attempt, attempts, since, depth });
      },
      failed: (error) => log.error('the store refused a claim', { fault: toPlainFault(error) }),
    },
    () => ({ owner: options.owner, leaseMs }),
  );

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
          // Its late end is expected to be refused.
          facts.cancelled = true;
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
   * Settles attempts that nobody holds any more, of this host's earlier runs and of others whose lease is over: before anything new
   * starts, and with each sweep. An attempt that this host has, and could not renew in time, is still its own.
   */
  async function takeOver() {
    for (;;) {
      const found = await store.abandoned(options.owner);
      const lost = found.filter(({ id, attempt }) => held.get(id)?.attempt !== attempt);
      if (lost.length === 0) return;
      log.warn(`${lost.length} jobs were running when their host ended; they are tried again`, { jobs: lost.length });
      await write(lost.map((job) => settleLost(job, time.now(), time.random())));
    }
  }

  /** Writes ends down; tells the waiting. A refused one has lost its lease: its work was given to another attempt. */
  async function write(settlements: Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    for (const { settlement, isAccepted } of await writeSettlements(store, settlements, time.now())) {
      const facts = held.get(settlement.job);
      forget(settlement);
      if (!isAccepted) {
        if (!facts?.cancelled) log.warn(`a late end of ${settlement.job} was refused`, { attempt: settlement.attempt });
        // Who waits for it looks again: its row may have been set aside meanwhile.
        waiters.release(settlement.job);
        continue;
      }
      const agent = facts?.agent ?? '';
      if (settlement.state === 'retrying') claims.dueIn(agent, settlement.inMs!);
      for (const call of listeners) call(settlement, agent);
    }
  }

  function forget(ref: AttemptRef) {
    if (held.get(ref.job)?.attempt === ref.attempt) held.delete(ref.job);
  }

  function toSettlement({ worker, outcome, fingerprint }: EndedAttempt, end: AttemptEnd = outcome): Settlement {
    const facts = held.get(outcome.job);
    const agent = facts && needs.agent(facts.agent);
    const { job, attempt, startedAt, finishedAt, summary } = outcome;
    return settle(
      {
        job,
        attempt,
        attempts: facts?.attempts ?? attempt,
        startedAt,
        finishedAt,
        worker,
        ...(summary === undefined ? {} : { summary }),
        ...(fingerprint === undefined ? {} : { fingerprint }),
      },
      agent ? withNarrowing(end, agent) : end,
      agent?.limits.backoff ?? BACKOFF_OF_UNKNOWN,
      time.random(),
    );
  }

  function holdUpOf({ outcome }: EndedAttempt): HoldUp | undefined {
    const { job } = outcome;
    // GiveUp and RetryLater are the plugin's own word.
    if (outcome.is !== 'failed' || outcome.retry !== true) return undefined;
    return needs.heldUp?.({ job, attempt: outcome.attempt }, held.get(job)?.agent ?? '', outcome.fault);
  }

  /** The end of an attempt whose job waits, for somebody else or because it asked to. How long it has waited is in the store. */
  async function settleWait(checked: EndedAttempt, fault: PlainFault, wait: HoldUp | { pauseMs: number }) {
    const { job, startedAt, finishedAt } = checked.outcome;
    const before = (await store.get(job)) ?? { error: null, staleAt: null };
    const facts = { fault, startedAt, finishedAt, before };
    const end = 'pauseMs' in wait ? laterOrCount({ ...facts, ...wait }) : waitOrGiveUp({ ...facts, holdUp: wait });
    await write([toSettlement(checked, end)]);
  }

  async function giveBack(refs: AttemptRef[]) {
    if (refs.length === 0) return;
    const agents = new Set(refs.map((ref) => held.get(ref.job)?.agent ?? ''));
    for (const ref of refs) forget(ref);
    await surely(`${refs.length} returned attempts`, () => store.release(refs));
    for (const agent of agents) claims.wake(agent);
  }

  /** Renews leases, settles what lost its owner, and wakes agents that a change which nobody told of would leave waiting. */
  async function sweep() {
    try {
      const old = time.monotonic() - leaseMs / 3;
      const refs: AttemptRef[] = [];
      for (const [job, facts] of held) if (facts.since < old) refs.push({ job, attempt: facts.attempt });
      const lost = refs.length > 0 ? await store.renew(refs, leaseMs) : [];
      for (const ref of lost) {
        workers.abort(ref, { code: 'LEASE_LOST', message: 'the job was cancelled or given to another attempt' });
      }
      await takeOver();
      await wakeWaiting();
    } catch (error) {
      log.error('the sweep of jobs failed', { fault: toPlainFault(error) });
    }
    if (turned === undefined) return;
    // A sweep that the store refuses counts as progress: a new host would find the same full disk.
    turned = time.monotonic();
    cancelSweep = time.after(SWEEP_MS, sweep);
  }

  return {
    async start() {
      if (turned !== undefined) return;
      unfollow = store.changes(follow);
      await takeOver();
      turned = time.monotonic();
      await sweep();
    },
    async stop() {
      turned = undefined;
      cancelSweep();
      claims.stop();
      await writing.settled();
      unfollow();
    },
    alive: () => turned,

    add: (jobs) => store.add(jobs),
    ...createJobChanges(store),
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
    held: () => held.size,
    depthOf: (id) => held.get(id)?.depth,
    onSettled: (call) => void listeners.push(call),

    ended(list) {
      const stopped: AttemptRef[] = [];
      const settlements: Settlement[] = [];
      const now = time.now();
      for (const said of list) {
        const outcome = boundedEnd(said.outcome, now);
        const checked = outcome === said.outcome ? said : { ...said, outcome };
        const wasStopped = outcome.is === 'failed' && outcome.fault.code === 'HOST_STOPPED';
        const isLater = outcome.is === 'failed' && typeof outcome.retry === 'number';
        const wait = isLater ? { pauseMs: outcome.retry as number } : holdUpOf(checked);
        if (wasStopped) stopped.push({ job: outcome.job, attempt: outcome.attempt });
        else if (outcome.is === 'failed' && wait)
          writing.add(surely(`the wait of ${outcome.job}`, () => settleWait(checked, outcome.fault, wait)));
        else settlements.push(toSettlement(checked));
      }
      writing.add(surely(`${settlements.length} ends`, () => write(settlements)));
      writing.add(giveBack(stopped));
    },
    returned: (refs) => writing.add(giveBack(refs)),
    capacityChanged: (agent) => claims.wake(agent),
  };
}
