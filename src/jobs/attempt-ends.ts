import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { createTasks } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Agent } from './agent.ts';
import { startAgain } from './always.ts';
import { causeOf } from './faults.ts';
import type { HeldJobs } from './held.ts';
import type { AttemptRef, JobQueue, JobRecords, Settlement } from './ports.ts';
import { type AttemptEnd, BACKOFF_OF_UNKNOWN, boundedEnd, settle, withNarrowing } from './settle.ts';
import type { Waiters } from './waiters.ts';
import { type HoldUp, laterOrCount, waitOrGiveUp } from './waiting.ts';
import type { WorkerEvents } from './worker-port.ts';

const NOT_ALWAYS = { code: 'CANCELLED', message: 'its agent does not run always any more' };

/** An end as it was written down, or refused by the fence. */
interface WrittenEnd {
  settlement: Settlement;
  /** False: another attempt has the job, or none. */
  isAccepted: boolean;
}

/**
 * Writes ends down. An end with a value that the store always refuses holds up neither the others nor its own job: the job
 * becomes a dead letter, which says why.
 */
export async function writeSettlements(
  store: Pick<JobQueue, 'settle'>,
  settlements: Settlement[],
  now: number,
): Promise<WrittenEnd[]> {
  try {
    const accepted = await store.settle(settlements);
    return settlements.map((settlement, index) => ({ settlement, isAccepted: accepted[index]! }));
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'VALUE_INVALID') throw error;
    const written: WrittenEnd[] = [];
    for (const one of settlements) {
      const alone = settlements.length > 1 ? [one] : [deadInstead(one, error, now)];
      written.push(...(await writeSettlements(store, alone, now)));
    }
    return written;
  }
}

function deadInstead({ job, attempt }: Settlement, { message }: Fault, now: number): Settlement {
  const error = { code: 'END_INVALID', message: `its end cannot be written down: ${message}` };
  return { job, attempt, state: 'dead', startedAt: now, finishedAt: now, error, cause: causeOf(error) };
}

/** Writes down what the store could not take, again and again: the work is done, or untouched; only the record is missing. */
function createPersistentWrites({ time, log }: { time: Time; log: Log }, hasStopped: () => boolean) {
  return async (what: string, write: () => Promise<void>): Promise<void> => {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        return await write();
      } catch (error) {
        if (hasStopped()) return;
        log.error(`${what} could not be written down; trying again`, { fault: toPlainFault(error) });
        await new Promise<void>((resolve) => time.after(pause, resolve));
      }
    }
  };
}

/** Takes ends of attempts from workers and writes them down, however often the store refuses them. */
interface AttemptEnds extends Pick<WorkerEvents, 'ended' | 'released'> {
  /** Writes ends down and tells those who wait. Rejects when the store refuses. */
  write(settlements: Settlement[]): Promise<void>;
  /** Calls back with each end that was written down. `agent`: empty for an attempt of an earlier host. */
  onSettled(call: (settlement: Settlement, agent: string) => void): void;
  /** Resolves when every end is written down, or given up because the host stops. */
  written(): Promise<void>;
}

interface AttemptEndsNeeds {
  time: Time;
  log: Log;
  store: Pick<JobQueue, 'settle' | 'release'> & Pick<JobRecords, 'get'>;
  held: HeldJobs;
  waiters: Pick<Waiters, 'release'>;
  agent(name: string): Agent | undefined;
  /** For an attempt that failed of something that it could do nothing about: what its job waits for. */
  heldUp(ref: AttemptRef, agent: string, fault: PlainFault): HoldUp | undefined;
  /** The agent's next job is due in so many ms. */
  dueIn(agent: string, ms: number): void;
  hasStopped(): boolean;
}

/** Ends of attempts that a person or the host wanted: they cost their jobs no attempt. */
const GIVEN_BACK: ReadonlySet<string> = new Set(['HOST_STOPPED', 'RESTARTED']);

/** The end of an attempt, and the worker that tells it. */
type EndedAttempt = Parameters<WorkerEvents['ended']>[0][number];

export function createAttemptEnds(needs: AttemptEndsNeeds): AttemptEnds {
  const { time, log, store, held } = needs;
  const listeners: ((settlement: Settlement, agent: string) => void)[] = [];
  /** How many runs in a row of an agent that runs always were short, by its job. */
  const shortRuns = new Map<string, number>();
  const writing = createTasks((error) => log.error('an end could not be written', { fault: toPlainFault(error) }));
  const writePersistently = createPersistentWrites(needs, needs.hasStopped);

  async function write(settlements: Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    for (const { settlement, isAccepted } of await writeSettlements(store, settlements, time.now())) {
      const facts = held.get(settlement.job);
      held.forget(settlement);
      // A refused end has lost its lease: its work was given to another attempt.
      if (!isAccepted) {
        if (!facts?.isCancelled)
          log.warn(`a late end of ${settlement.job} was refused`, { attempt: settlement.attempt });
        // The job's row may have been set aside meanwhile: callers that wait for it look again.
        needs.waiters.release(settlement.job);
        continue;
      }
      const agent = facts?.agent ?? '';
      if (settlement.state === 'retrying') needs.dueIn(agent, settlement.inMs!);
      for (const call of listeners) call(settlement, agent);
    }
  }

  function toSettlement({ worker, outcome, fingerprint }: EndedAttempt, end: AttemptEnd = outcome): Settlement {
    const facts = held.get(outcome.job);
    const agent = facts && needs.agent(facts.agent);
    const { job, attempt, startedAt, finishedAt, summary } = outcome;
    return settle(
      { job, attempt, attempts: facts?.attempts ?? attempt, startedAt, finishedAt, worker, summary, fingerprint },
      agent ? withNarrowing(end, agent) : end,
      agent?.limits.backoff ?? BACKOFF_OF_UNKNOWN,
      time.random(),
    );
  }

  /** The wait of a job whose attempt failed: the plugin asked for it (RetryLater), or something holds the job up. */
  function waitOf({ outcome }: EndedAttempt): HoldUp | { pauseMs: number } | undefined {
    if (outcome.is !== 'failed' || outcome.isFree) return undefined;
    const { job, attempt, retry, fault } = outcome;
    if (typeof retry === 'number') return { pauseMs: retry };
    return retry ? needs.heldUp({ job, attempt }, held.get(job)?.agent ?? '', fault) : undefined;
  }

  /**
   * The end of an attempt whose job waits: for an origin, or because the plugin asked for it. How long it has waited is in the
   * store.
   */
  async function settleWait(ended: EndedAttempt, fault: PlainFault, wait: HoldUp | { pauseMs: number }) {
    const { job, startedAt, finishedAt } = ended.outcome;
    const before = (await store.get(job)) ?? { error: null, staleAt: null };
    const facts = { fault, startedAt, finishedAt, before };
    const end = 'pauseMs' in wait ? laterOrCount({ ...facts, ...wait }) : waitOrGiveUp({ ...facts, holdUp: wait });
    await write([toSettlement(ended, end)]);
  }

  /** The end of a run of an agent that runs always. */
  function settleRun(ended: EndedAttempt, agent: string): Settlement {
    const { outcome } = ended;
    const { job, attempt } = outcome;
    const current = needs.agent(agent);
    if (current && !current.always) return toSettlement(ended, { is: 'cancelled', why: NOT_ALWAYS });
    const heldUntil = outcome.is === 'failed' ? needs.heldUp({ job, attempt }, agent, outcome.fault)?.until : undefined;
    const backoff = current?.limits.backoff ?? BACKOFF_OF_UNKNOWN;
    const facts = { outcome, backoff, heldUntil, shortRuns: shortRuns.get(job) ?? 0, chance: time.random() };
    const again = startAgain(facts);
    if (again.shortRuns === 0) shortRuns.delete(job);
    else shortRuns.set(job, again.shortRuns);
    return { ...toSettlement(ended, again.end), run: again.run };
  }

  async function giveBack(refs: AttemptRef[]) {
    const agents = new Set(refs.map((ref) => held.get(ref.job)?.agent ?? ''));
    for (const ref of refs) held.forget(ref);
    await writePersistently(`${refs.length} released attempts`, () => store.release(refs));
    for (const agent of agents) needs.dueIn(agent, 0);
  }

  return {
    write,
    onSettled: (call) => void listeners.push(call),
    written: writing.settled,
    ended(list) {
      const stopped: AttemptRef[] = [];
      const settlements: Settlement[] = [];
      const now = time.now();
      for (const said of list) {
        const outcome = boundedEnd(said.outcome, now);
        const ended = outcome === said.outcome ? said : { ...said, outcome };
        const fault = outcome.is === 'failed' ? outcome.fault : undefined;
        const run = held.get(outcome.job);
        const isGivenBack = fault !== undefined && GIVEN_BACK.has(fault.code);
        const wait = isGivenBack || run?.isRun ? undefined : waitOf(ended);
        if (isGivenBack) stopped.push({ job: outcome.job, attempt: outcome.attempt });
        else if (run?.isRun) settlements.push(settleRun(ended, run.agent));
        else if (fault && wait)
          writing.add(writePersistently(`the wait of ${outcome.job}`, () => settleWait(ended, fault, wait)));
        else settlements.push(toSettlement(ended));
      }
      if (settlements.length > 0)
        writing.add(writePersistently(`${settlements.length} ends`, () => write(settlements)));
      if (stopped.length > 0) writing.add(giveBack(stopped));
    },
    released: (refs) => writing.add(giveBack(refs)),
  };
}
