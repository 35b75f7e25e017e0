import type { Agent } from '../jobs/agent.ts';
import type { Assignment, Outcome } from '../jobs/model.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { mayHelp } from '../kernel/fault-codes.ts';
import type { Time } from '../kernel/time.ts';
import type { WorkerCall } from './ports.ts';
import type { Reports } from './reports.ts';
import type { CellFindings, FromCell, JobEnd, Reading, Running, ToCell, WorkerSpec } from './wire.ts';
import { heldBy, stepWorker, takesWork, type WorkerEvent, type WorkerState } from './worker-state.ts';

/** A worker is replaced when its sequence numbers come near the end of what its shared memory can tell apart. */
const LAST_SEQ = 1_000_000_000;

export interface WorkerNeeds {
  time: Time;
  reports: Reports;
  tell(message: ToCell): void;
  answer(call: WorkerCall, agent: Agent): Promise<unknown>;
  /** An attempt ended after so long. */
  took(durationMs: number): void;
  /** It is loaded and takes work at once. */
  ready(worker: HostWorker): void;
  /** The worker has ended; all that it held has come back. `failed`: the attempts that failed with it, the newest last. */
  gone(worker: HostWorker, because: PlainFault | null, failed: AttemptRef[], found: CellFindings | null): void;
}

type FromWorker = Extract<FromCell, { worker: number }>;

/** The host's side of one worker. It keeps the account: each attempt that it was given comes back exactly once, whatever happens. */
export interface HostWorker {
  readonly id: number;
  /** `w12`. */
  readonly name: string;
  readonly agent: Agent;
  /** In monotonic ms. */
  readonly startedAt: number;
  state(): WorkerState;
  /** How many more it would take when it may hold `ahead` at a time. */
  free(ahead: number): number;
  /** Sends what its cell needs to start it; until then all else waits. */
  start(spec: WorkerSpec): void;
  give(assignments: Assignment[]): void;
  holds(ref: AttemptRef): boolean;
  /** False: it does not hold the attempt. */
  abort(ref: AttemptRef, why: PlainFault): boolean;
  abortAll(why: PlainFault): void;
  /** Takes no more, gives back what has not begun, and ends when the rest is done. */
  drain(): void;
  hear(message: FromWorker): void;
  /**
   * It ended without saying so. Attempts up to the sequence number `begun` have failed of `because`, the others come
   * back unbegun; undefined: nobody knows, so all are taken for begun.
   */
  end(because: PlainFault, begun: number | undefined): void;
  /** For how long it has held attempts without one coming back, in ms; `tickMs` have gone by since the last call. */
  waited(tickMs: number): number;
  /** Whether it holds an attempt that has begun, as far as the ledger's number tells. */
  holdsBegun(begun: number | undefined): boolean;
  /** The attempt in progress, as far as the host knows. */
  jobNow(): { job: string | null; startedAt: number | null };
  reading: Reading | undefined;
  /** Whether an attempt of it ever ended. */
  hasWorked(): boolean;
}

export function createHostWorker(id: number, agent: Agent, needs: WorkerNeeds): HostWorker {
  const { time, reports } = needs;
  const name = `w${id}`;
  const held = new Map<number, Assignment>();
  const startedAt = time.monotonic();
  let state: WorkerState = { is: 'starting', since: startedAt, held: 0 };
  let unsent: ToCell[] | null = [];
  let nextSeq = 1;
  let waitedMs = 0;
  let isLong = false;
  let worked = false;

  function tell(message: ToCell) {
    if (unsent) unsent.push(message);
    else needs.tell(message);
  }

  function move(event: WorkerEvent) {
    const before = state.is;
    state = stepWorker(state, event);
    if (state.is === 'stopping' && before !== 'stopping') tell({ do: 'close', worker: id });
  }

  /** Takes an attempt off the account; undefined when it has come back before. */
  function settle(seq: number): Assignment | undefined {
    const assignment = held.get(seq);
    held.delete(seq);
    return assignment;
  }

  function seqOf(ref: AttemptRef): number | undefined {
    for (const [seq, { job, attempt }] of held) if (job === ref.job && attempt === ref.attempt) return seq;
    return undefined;
  }

  function back(count: number) {
    if (held.size === 0) isLong = false;
    waitedMs = 0;
    if (count > 0) move({ is: 'back', count, at: time.monotonic() });
    reports.changed(agent.name);
  }

  function done(flat: (number | string | null)[]) {
    let count = 0;
    for (let i = 0; i < flat.length; i += 4) {
      const assignment = settle(flat[i] as number);
      if (!assignment) continue;
      count += 1;
      const startedAt = flat[i + 1] as number;
      const durationMs = flat[i + 2] as number;
      needs.took(durationMs);
      reports.ended(
        name,
        {
          job: assignment.job,
          attempt: assignment.attempt,
          startedAt,
          finishedAt: startedAt + Math.round(durationMs),
          is: 'done',
          result: flat[i + 3] as string | null,
        },
        agent.fingerprint,
      );
    }
    worked = true;
    back(count);
  }

  function ended(end: JobEnd) {
    const assignment = settle(end.seq);
    if (!assignment) return;
    const { seq: _, durationMs, ...rest } = end;
    needs.took(durationMs);
    worked = true;
    reports.ended(
      name,
      {
        ...rest,
        job: assignment.job,
        attempt: assignment.attempt,
        finishedAt: rest.startedAt + Math.round(durationMs),
      } as Outcome,
      agent.fingerprint,
    );
    back(1);
  }

  function returned(seqs: number[]) {
    let count = 0;
    for (const seq of seqs) {
      const assignment = settle(seq);
      if (!assignment) continue;
      count += 1;
      reports.returned(assignment);
    }
    // What is left of it takes long: nothing more until that is done.
    if (held.size > 0) isLong = true;
    back(count);
  }

  function fail(assignment: Assignment, startedAt: number, fault: PlainFault) {
    const { job, attempt } = assignment;
    const finishedAt = Math.max(startedAt, time.now());
    reports.ended(
      name,
      { job, attempt, startedAt, finishedAt, is: 'failed', fault, retry: mayHelp(fault) },
      agent.fingerprint,
    );
  }

  function gone(
    because: PlainFault | null,
    hasBegun: (seq: number) => boolean,
    running: Running | null = null,
    found: CellFindings | null = null,
  ) {
    if (state.is === 'gone') return;
    // Nothing began when it could not be loaded; one attempt tells it, so that the fault is seen and retries come to an end.
    const teller = because?.code === 'BOOT_FAILED' ? held.keys().next().value : undefined;
    const failed: AttemptRef[] = [];
    for (const [seq, assignment] of held) {
      if (seq === teller || hasBegun(seq)) {
        failed.push({ job: assignment.job, attempt: assignment.attempt });
        fail(assignment, running?.startedAt ?? time.now(), because ?? CLOSED);
      } else reports.returned(assignment);
    }
    held.clear();
    move({ is: 'ended', because });
    reports.changed(agent.name);
    needs.gone(worker, because, failed, found);
  }

  async function answer(message: FromWorker & { say: 'call' }) {
    const assignment = held.get(message.seq);
    const reply = (answer: Extract<ToCell, { do: 'answer' }>['answer']) =>
      tell({ do: 'answer', worker: id, id: message.id, answer });
    if (!assignment) {
      return reply({ is: 'refused', fault: { code: 'ATTEMPT_ENDED', message: 'the attempt has ended' } });
    }
    const { job, attempt } = assignment;
    try {
      const value = await needs.answer({ ...message.call, job, attempt, agent: agent.name } as WorkerCall, agent);
      reply({ is: 'answer', value });
    } catch (error) {
      reply({ is: 'refused', fault: toPlainFault(error) });
    }
  }

  const worker: HostWorker = {
    id,
    name,
    agent,
    startedAt,
    reading: undefined,
    state: () => state,
    free: (ahead) => (takesWork(state) && !isLong && nextSeq < LAST_SEQ ? Math.max(0, ahead - heldBy(state)) : 0),
    start(spec) {
      const messages = unsent;
      unsent = null;
      if (!messages || state.is === 'gone') return;
      needs.tell({ do: 'start', worker: id, spec });
      for (const message of messages) needs.tell(message);
    },
    give(assignments) {
      const first = nextSeq;
      const pack: (number | string | null)[] = [first];
      for (const given of assignments) {
        held.set(nextSeq++, given);
        pack.push(given.job, given.attempt, given.trigger, given.slot, given.input);
      }
      if (held.size === assignments.length) waitedMs = 0;
      move({ is: 'given', count: assignments.length });
      tell({ do: 'run', worker: id, first, count: assignments.length, jobs: JSON.stringify(pack) });
    },
    holds: (ref) => seqOf(ref) !== undefined,
    abort(ref, why) {
      const seq = seqOf(ref);
      if (seq === undefined) return false;
      tell({ do: 'abort', worker: id, seq, why });
      return true;
    },
    abortAll(why) {
      for (const seq of held.keys()) tell({ do: 'abort', worker: id, seq, why });
    },
    drain() {
      // Its cell has never heard of it: nothing began, nothing has to end.
      if (unsent) return gone(null, () => false);
      if (held.size > 0) tell({ do: 'revoke', worker: id });
      move({ is: 'drain' });
    },
    hear(message) {
      switch (message.say) {
        case 'ready':
          move({ is: 'ready', at: time.monotonic() });
          return needs.ready(worker);
        case 'done':
          return done(message.flat);
        case 'ended':
          return ended(message.end);
        case 'returned':
          return returned(message.seqs);
        case 'call':
          return void answer(message);
        case 'gone':
        case 'poisoned': {
          const { because, running, found } = message;
          return gone(because, (seq) => seq === running?.seq, running, found);
        }
      }
    },
    end: (because, begun) => gone(because, (seq) => begun === undefined || seq <= begun),
    waited(tickMs) {
      if (held.size === 0) return 0;
      waitedMs += tickMs;
      return waitedMs;
    },
    holdsBegun(begun) {
      const first = held.keys().next().value;
      return first !== undefined && (begun === undefined || first <= begun);
    },
    jobNow() {
      const read = worker.reading?.running;
      const seq = read && held.has(read.seq) ? read.seq : held.keys().next().value;
      const job = seq === undefined ? null : held.get(seq)!.job;
      return { job, startedAt: read && read.seq === seq ? read.startedAt : null };
    },
    hasWorked: () => worked,
  };
  return worker;
}

const CLOSED: PlainFault = { code: 'CRASHED', message: 'its worker ended before the job did' };
