import type { PauseStore } from '../jobs/ports.ts';
import { BOUNDS, isWithin, shown } from '../kernel/bounds.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { Fault } from '../kernel/fault.ts';
import { isInstant } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';

/** Agents that a person paused: no job of theirs starts, their slots end as skipped. Survives restarts. */
export interface Pauses {
  isPaused(agent: string): boolean;
  /** `why`: it is not a person's pause. `setup`: what is missing for it to start at all. */
  get(agent: string): { until: number | null; why?: string; setup?: PlainFault } | undefined;
  /** `forMs` undefined: without end. Resolves when it is on disk, with the end in epoch ms. Rejects before anything is written when the end is none. */
  pause(agent: string, forMs: number | undefined): Promise<number | null>;
  resume(agent: string): Promise<void>;
  /** Calls back at once for every agent that is paused, and at each change. */
  onChange(call: (change: { agent: string; paused: boolean; until: number | null }) => void): void;
  stop(): void;
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
export async function createPauses({ time, store }: { time: Time; store: PauseStore }): Promise<Pauses> {
  const paused = new Map<string, { until: number | null; cancel(): void }>();
  const calls: Parameters<Pauses['onChange']>[0][] = [];

  function hold(agent: string, until: number | null) {
    paused.get(agent)?.cancel();
    const cancel = until === null ? () => {} : time.after(until - time.now(), () => void end(agent));
    paused.set(agent, { until, cancel });
    for (const call of calls) call({ agent, paused: true, until });
  }

  async function end(agent: string) {
    const pause = paused.get(agent);
    if (!pause) return;
    // Timers are capped at 24 days and wall clocks jump: look again before letting go.
    if (pause.until !== null && pause.until > time.now()) return hold(agent, pause.until);
    await release(agent);
  }

  async function release(agent: string) {
    await store.resume(agent);
    paused.get(agent)?.cancel();
    if (paused.delete(agent)) for (const call of calls) call({ agent, paused: false, until: null });
  }

  for (const { agent, until } of await store.paused()) hold(agent, until);
  return {
    isPaused: (agent) => paused.has(agent),
    get: (agent) => paused.get(agent),
    async pause(agent, forMs) {
      const until = forMs === undefined ? null : endOf(forMs, time.now());
      await store.pause(agent, until, time.now());
      hold(agent, until);
      return until;
    },
    resume: release,
    onChange(call) {
      calls.push(call);
      for (const [agent, { until }] of paused) call({ agent, paused: true, until });
    },
    stop() {
      for (const { cancel } of paused.values()) cancel();
    },
  };
}
