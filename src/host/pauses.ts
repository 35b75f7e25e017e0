import type { PauseStore } from '../jobs/ports.ts';
import { BOUNDS, isWithin, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { isInstant } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';

/** Of an agent, by a person. Epoch ms; `until` null: without end. */
interface Pause {
  since: number | null;
  until: number | null;
}

/** Agents that a person paused: no job of theirs starts, their slots end as skipped. Survives restarts. */
export interface Pauses {
  /** The pause that is in force. */
  get(agent: string): Pause | undefined;
  /** The agent's newest pause if it ends after `at`, also one that is over: slots that were due in a pause stay skipped. */
  covering(agent: string, at: number): Pause | undefined;
  /** `forMs` undefined: without end. Resolves when it is on disk, with the end in epoch ms. Rejects before anything is written when the end is none. */
  pause(agent: string, forMs: number | undefined): Promise<number | null>;
  resume(agent: string): Promise<void>;
  stop(): void;
}

interface PausesNeeds {
  time: Time;
  store: PauseStore;
  /** The agent's pause is over. */
  ended(agent: string): void;
}

/** What is stored can be shown: an end that cannot is refused before. */
function endOf(forMs: number, now: number): number {
  const until = now + forMs;
  if (isWithin(forMs, BOUNDS.pause) && isInstant(until)) return until;
  throw new Fault({
    code: 'ARGS_INVALID',
    message: `a pause of ${shown(forMs)} ms is longer than ${formatDuration(BOUNDS.pause.most)}, or no length of time`,
    next: 'leave --for away: it is paused until daruma resume',
  });
}

/** Reads the pauses from the store and ends those that are over. */
export async function createPauses({ time, store, ended }: PausesNeeds): Promise<Pauses> {
  const paused = new Map<string, Pause & { cancel(): void }>();
  /** The newest pause of an agent that was ended since the host started. */
  const over = new Map<string, Pause & { until: number }>();

  function hold(agent: string, { since, until }: Pause) {
    paused.get(agent)?.cancel();
    const cancel = until === null ? () => {} : time.after(until - time.now(), () => void end(agent));
    paused.set(agent, { since, until, cancel });
  }

  async function end(agent: string) {
    const pause = paused.get(agent);
    if (!pause) return;
    // Timers are capped at 24 days and wall clocks jump: look again before letting go.
    if (pause.until !== null && pause.until > time.now()) return hold(agent, pause);
    await resume(agent);
  }

  async function resume(agent: string) {
    await store.resume(agent);
    const pause = paused.get(agent);
    if (!pause) return;
    pause.cancel();
    paused.delete(agent);
    over.set(agent, { since: pause.since, until: Math.min(pause.until ?? Number.POSITIVE_INFINITY, time.now()) });
    ended(agent);
  }

  for (const { agent, ...pause } of await store.paused()) hold(agent, pause);
  return {
    get: (agent) => paused.get(agent),
    covering(agent, at) {
      const pause = paused.get(agent) ?? over.get(agent);
      return pause && (pause.until === null || at < pause.until) ? pause : undefined;
    },
    async pause(agent, forMs) {
      const now = time.now();
      const until = forMs === undefined ? null : endOf(forMs, now);
      await store.pause(agent, until, now);
      hold(agent, { since: now, until });
      return until;
    },
    resume,
    stop() {
      for (const { cancel } of paused.values()) cancel();
    },
  };
}
