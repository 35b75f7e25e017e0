import type { PoolUse } from '../../pool-use.ts';
import { askedAt } from '../calls.ts';
import type { JobOwner } from '../job-owner.ts';
import type { Admissions } from './admission.ts';
import { type CheckedOut, createCheckedOut } from './checked-out.ts';
import { poolFaults } from './faults.ts';
import { createIdleSessions } from './idle-sessions.ts';
import type { PoolHost, PoolTerms } from './ports.ts';
import type { Session } from './session.ts';
import { createSlots } from './slots.ts';
import { greetingOf } from './terms.ts';

/** An idle connection answers within this time, or another one is opened. */
const IDLE_ANSWER_MS = 3_000;

interface CheckoutsNeeds {
  terms: PoolTerms;
  host: PoolHost;
  /** Called after each change of the figures. */
  changed(): void;
  admissions: Admissions;
}

/** The connections of a pool: who has them, which are idle, and who waits. */
interface Checkouts {
  /** Takes a connection for the job. Rejects at the place where it was asked for. */
  checkOut(asked: Error): Promise<CheckedOut>;
  use(): PoolUse;
  /** Closes those that nobody has. */
  closeIdle(): Promise<void>;
  /** Says goodbye to the server on all of them at once. */
  part(): void;
}

/** No more than `terms.max` connections are open, being opened or being closed at any moment. */
export function createCheckouts({ terms, host, changed, admissions }: CheckoutsNeeds): Checkouts {
  const { time } = host;
  const slots = createSlots(terms.max, time, changed);
  const idle = createIdleSessions(terms.idleMs, time, changed);
  const held = new Set<CheckedOut>();
  let takenBack = 0;

  function jobNow(): JobOwner {
    const job = host.job();
    if (!job) throw host.fault(poolFaults.noJob());
    if (job.hasEnded) throw host.fault(poolFaults.ended(job.id));
    return job;
  }

  async function checkOut(asked: Error): Promise<CheckedOut> {
    const job = jobNow();
    if (job.aborted) throw askedAt(job.aborted, asked);
    const until = time.monotonic() + terms.checkoutMs;
    const stopped = Promise.withResolvers<never>();
    stopped.promise.catch(() => {});
    let gone: Error | undefined;
    const entry = slots.enter(terms.checkoutMs, exhausted);
    const resource = { aborted: stop, ended: () => stop(host.fault(poolFaults.ended(job.id))) };
    job.resources ??= new Set();
    job.resources.add(resource);
    try {
      await entry.entered;
      const opening = ready(job, until);
      try {
        const session = await Promise.race([opening, stopped.promise]);
        // The job may have gone in the moment between.
        if (gone) throw gone;
        return hold(job, session, asked);
      } catch (error) {
        // The job went away first, or there is no connection: the place is free when that is settled.
        void opening.then(giveBack, () => slots.free());
        throw error;
      }
    } catch (error) {
      throw askedAt(error as Error, asked);
    } finally {
      job.resources.delete(resource);
    }

    function stop(why: Error) {
      gone = why;
      entry.leave(why);
      stopped.reject(why);
    }
  }

  /** A connection that works and knows its job: one that is idle, else a new one. */
  async function ready(job: JobOwner, until: number): Promise<Session> {
    for (;;) {
      const old = idle.take();
      const session = old ?? (await admissions.open(job, Math.max(1, until - time.monotonic())));
      const left = Math.max(1, until - time.monotonic());
      try {
        if (old?.flaw()) throw new Error(`the connection is ${old.flaw()}`);
        await session.prepare(greetingOf(terms, job, host), old ? Math.min(left, IDLE_ANSWER_MS) : left);
        return session;
      } catch (error) {
        await session.leave();
        // An old one may have ended long ago: the next is tried.
        if (!old) throw host.fault(poolFaults.lost(terms, (error as Error).message), error);
      }
    }
  }

  function hold(job: JobOwner, session: Session, asked: Error): CheckedOut {
    const checkedOut = createCheckedOut({ job, session, asked, terms, host, over });
    held.add(checkedOut);
    changed();
    return checkedOut;

    function over(isTakenBack: boolean) {
      held.delete(checkedOut);
      if (isTakenBack) takenBack += 1;
      giveBack(session);
    }
  }

  /** A session that nobody has: it waits for the next job, or is closed. The place of the session is free when the server has closed it. */
  function giveBack(session: Session) {
    if (session.flaw()) {
      void session.leave().then(() => slots.free());
      return;
    }
    idle.put(session);
    slots.free();
  }

  function exhausted(): Error {
    const holders = [...held].map((one) => one.holder());
    const cause = holders.length > 1 ? new AggregateError(holders, '') : holders[0];
    return host.fault(poolFaults.exhausted(terms, slots.taken()), cause);
  }

  return {
    checkOut,
    use: () => ({
      held: slots.taken(),
      idle: idle.count(),
      waiting: slots.waiting(),
      max: terms.max,
      takenBack,
    }),
    closeIdle: idle.close,
    part() {
      idle.part();
      for (const checkedOut of held) checkedOut.part();
    },
  };
}
