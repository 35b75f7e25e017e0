import { join } from 'node:path';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { ExecResult } from '../../plugin/context.ts';
import type { ExecAttempt, ExecOrder } from './ports.ts';

/**
 * The state of a command, as the host sees it: it waits for one of its agent's places; its path is looked up; it is with
 * the broker; its job has the answer, and the broker has not said yet that no process of it is left.
 */
type CallState = 'queued' | 'preparing' | 'running' | 'answered';

export interface ExecCallFacts extends ExecAttempt {
  agent: string;
  call: number;
  mark: string;
  state: CallState;
}

/** True: the call holds one of the places that its agent has. */
export function holdsPlace({ state }: Pick<ExecCallFacts, 'state'>): boolean {
  return state === 'preparing' || state === 'running';
}

/** The calls that may go on now, oldest first: as many of an agent as it has places. */
export function nextCalls<Call extends ExecCallFacts>(calls: Iterable<Call>, agent: string, atATime: number): Call[] {
  let free = atATime;
  const queued: Call[] = [];
  for (const call of calls) {
    if (call.agent !== agent) continue;
    if (holdsPlace(call)) free -= 1;
    else if (call.state === 'queued') queued.push(call);
  }
  return queued.slice(0, Math.max(0, free));
}

/** A command that a job asked for. */
export interface ExecCall extends ExecCallFacts {
  order: ExecOrder;
  answer: PromiseWithResolvers<ExecResult>;
  /** The scratch folder of its attempt. */
  scratch: string;
}

/** The calls that are under way, by mark and by attempt. */
interface CallTable {
  size(): number;
  all(): ExecCall[];
  get(mark: string): ExecCall | undefined;
  of(attempt: ExecAttempt): ExecCall[];
  add(mark: string, order: ExecOrder): ExecCall;
  remove(call: ExecCall): void;
  /** The attempt has ended: it asks for nothing more, and its scratch folder goes with its last call. */
  end(attempt: ExecAttempt): void;
  /** Resolves when no call is left, or after `withinMs`. */
  emptied(time: Pick<Time, 'after'>, withinMs: number): Promise<void>;
}

interface AttemptCalls {
  scratch: string;
  calls: Set<ExecCall>;
  hasEnded: boolean;
}

/** `unused`: the scratch folder of an attempt that has ended and of which nothing is left. */
export function createCallTable(folder: string, unused: (scratch: string) => void): CallTable {
  const calls = new Map<string, ExecCall>();
  const attempts = new Map<string, AttemptCalls>();
  let lastGone: (() => void) | undefined;

  function attemptOf(key: string): AttemptCalls {
    const known = attempts.get(key);
    if (known) return known;
    const made = { scratch: join(folder, shortHash(key)), calls: new Set<ExecCall>(), hasEnded: false };
    attempts.set(key, made);
    return made;
  }

  function clear(key: string) {
    const attempt = attempts.get(key);
    if (!attempt?.hasEnded || attempt.calls.size > 0) return;
    attempts.delete(key);
    unused(attempt.scratch);
  }

  return {
    size: () => calls.size,
    all: () => [...calls.values()],
    get: (mark) => calls.get(mark),
    of: (attempt) => (attempts.size === 0 ? [] : [...(attempts.get(keyOf(attempt))?.calls ?? [])]),
    add(mark, order) {
      const { agent, job, attempt, call } = order;
      const { scratch, calls: siblings } = attemptOf(keyOf(order));
      const answer = Promise.withResolvers<ExecResult>();
      const made: ExecCall = { agent, job, attempt, call, mark, state: 'queued', order, answer, scratch };
      calls.set(mark, made);
      siblings.add(made);
      return made;
    },
    remove(call) {
      const key = keyOf(call);
      calls.delete(call.mark);
      attempts.get(key)?.calls.delete(call);
      clear(key);
      if (calls.size === 0) lastGone?.();
    },
    end(ended) {
      // The host asks at the end of each attempt of every agent, and few attempts run commands.
      if (attempts.size === 0) return;
      const key = keyOf(ended);
      const attempt = attempts.get(key);
      if (attempt) attempt.hasEnded = true;
      clear(key);
    },
    async emptied(time, withinMs) {
      if (calls.size === 0) return;
      const over = Promise.withResolvers<void>();
      lastGone = over.resolve;
      const cancel = time.after(withinMs, over.resolve);
      await over.promise;
      lastGone = undefined;
      cancel();
    },
  };
}

function keyOf({ job, attempt }: ExecAttempt): string {
  return `${job}:${attempt}`;
}

/** A name of twelve characters for a text. */
export function shortHash(text: string): string {
  return sha256(text).slice(0, 12);
}
