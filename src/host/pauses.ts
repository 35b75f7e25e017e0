import { pausedEvent, resumedEvent } from '../jobs/pause-events.ts';
import type { PauseStore } from '../jobs/ports.ts';
import { BOUNDS, isWithin, shown } from '../kernel/bounds.ts';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { isInstant } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';

/** Of an agent, by a person. Epoch ms; `until` null: without end. */
interface Pause {
  since: number | null;
  until: number | null;
}

/**
 * Agents that a person paused, on this host or on another: no job of theirs starts, their slots end as skipped. The store has the truth; this
 * host knows it a moment after it has changed. Survives restarts.
 */
export interface Pauses extends Service {
  /** The pause that is in force. */
  get(agent: string): Pause | undefined;
  /** The agent's newest pause if it ends after `at`, also one that is over: slots that were due in a pause stay skipped. */
  covering(agent: string, at: number): Pause | undefined;
  /** `forMs` undefined: without end. Resolves when it is on disk with its event, with the end in epoch ms. Rejects before anything is written when `forMs` is no length of a pause. */
  pause(agent: string, forMs: number | undefined, who?: string): Promise<number | null>;
  /** Resolves when it is on disk with its event; false: no pause was in force. */
  resume(agent: string, who?: string): Promise<boolean>;
}

interface PausesNeeds {
  time: Time;
  log: Log;
  store: PauseStore;
  /** A pause has begun, or ends at another time than was known. */
  begun?(agent: string): void;
  /** The agent's pause is over. */
  ended(agent: string): void;
  /** An event has been written with its pause. */
  written?(event: ReturnType<typeof pausedEvent>): void;
}

/** A change that was not told is seen so soon. */
const LOOK_EVERY_MS = 60_000;

/** Throws for a length that no pause can have. */
function mustBePause(forMs: number, now: number): void {
  if (isWithin(forMs, BOUNDS.pause) && isInstant(now + forMs)) return;
  throw new Fault({
    code: 'ARGS_INVALID',
    message: `a pause of ${shown(forMs)} ms is longer than ${formatDuration(BOUNDS.pause.most)}, or no length of time`,
    next: 'leave --for away: it is paused until daruma resume',
  });
}

/** Reads the pauses from the store, follows their changes, and ends those that are over. */
export async function createPauses({ time, log, store, begun, ended, written }: PausesNeeds): Promise<Pauses> {
  const paused = new Map<string, Pause & { cancel(): void }>();
  /** The newest pause of an agent that was ended since the host started. */
  const over = new Map<string, Pause & { until: number }>();
  /** Reads and writes of pauses, one after the other: a look that began before a change must not undo it. */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  function hold(agent: string, { since, until }: Pause) {
    paused.get(agent)?.cancel();
    const cancel = until === null ? () => {} : time.after(until - time.now(), () => end(agent));
    paused.set(agent, { since, until, cancel });
    begun?.(agent);
  }

  function endPause(agent: string) {
    const pause = paused.get(agent);
    if (!pause) return;
    pause.cancel();
    paused.delete(agent);
    over.set(agent, { since: pause.since, until: Math.min(pause.until ?? Number.POSITIVE_INFINITY, time.now()) });
    ended(agent);
  }

  /** A pause has come to its end. A store that refuses to take it out is asked again by the next look. */
  function end(agent: string) {
    const pause = paused.get(agent);
    if (!pause || pause.until === null) return;
    // Timers are capped at 24 days and wall clocks jump: look again before letting go.
    if (pause.until > time.now()) return hold(agent, pause);
    const { until } = pause;
    inTurn(async () => {
      await store.resume(agent, until);
      if (paused.get(agent)?.until === until) endPause(agent);
    }).catch((error) => log.error(`the pause of ${agent} could not be ended`, { agent, fault: toPlainFault(error) }));
  }

  async function look() {
    const found = new Map((await store.paused()).map(({ agent, ...pause }) => [agent, pause]));
    for (const agent of paused.keys()) if (!found.has(agent)) endPause(agent);
    for (const [agent, pause] of found) {
      const known = paused.get(agent);
      const isOver = pause.until !== null && pause.until <= time.now();
      if (!known || isOver || known.since !== pause.since || known.until !== pause.until) hold(agent, pause);
    }
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('the pauses could not be read', { fault: toPlainFault(error) }) },
    { everyMs: LOOK_EVERY_MS, firstMs: LOOK_EVERY_MS, turn: () => inTurn(look) },
  );
  await look();
  await loop.start();
  const unfollow = store.pauseChanges(loop.soon);
  return {
    get: (agent) => paused.get(agent),
    covering(agent, at) {
      const pause = paused.get(agent) ?? over.get(agent);
      return pause && (pause.until === null || at < pause.until) ? pause : undefined;
    },
    async pause(agent, forMs, who) {
      if (forMs !== undefined) mustBePause(forMs, time.now());
      return inTurn(async () => {
        const pause = await store.pause(agent, forMs ?? null, who);
        hold(agent, pause);
        written?.(pausedEvent(agent, { ...pause, who }));
        return pause.until;
      });
    },
    resume: (agent, who) =>
      inTurn(async () => {
        const endedAt = await store.resume(agent, undefined, who);
        endPause(agent);
        if (endedAt !== null) written?.(resumedEvent(agent, endedAt, who));
        return endedAt !== null;
      }),
    start: loop.start,
    alive: loop.alive,
    async stop() {
      unfollow();
      for (const { cancel } of paused.values()) cancel();
      await loop.stop();
    },
  };
}
