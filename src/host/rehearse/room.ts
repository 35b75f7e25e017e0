import { join } from 'node:path';
import type { Agent } from '../../jobs/agent.ts';
import type { Assignment, Outcome } from '../../jobs/model.ts';
import { planPlacement } from '../../jobs/placement.ts';
import { silentLog } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import type { PluginLine, WorkerCall } from '../../workers/ports.ts';
import { createWorkers } from '../../workers/workers.ts';
import type { Secrets } from '../secrets/secrets.ts';

/** One attempt that is rehearsed. */
export interface Turn {
  agent: Agent;
  assignment: Assignment;
  /** Where its clock begins; null: the machine's. */
  now: number | null;
  answer(call: WorkerCall): Promise<unknown>;
}

/** A cell of its own, beside those that do real jobs, with one worker at a time: each attempt has a fresh one. */
export interface RehearsalRoom {
  /** Resolves when the attempt has ended and its worker is gone. */
  run(turn: Turn): Promise<{ outcome: Outcome; lines: PluginLine[] }>;
  close(): Promise<void>;
}

const GONE_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 5;
/** A cell that dies gives back what had not begun. */
const MOST_RETURNS = 3;

export interface RoomNeeds {
  time: Time;
  folder: string;
  secrets: Pick<Secrets, 'values'>;
}

export async function openRoom({ time, folder, secrets }: RoomNeeds): Promise<RehearsalRoom> {
  let now: (Turn & { returns: number; lines: PluginLine[]; ended(outcome: Outcome): void }) | undefined;

  const workers = createWorkers(
    {
      time,
      log: silentLog,
      events: {
        ended(outcomes) {
          for (const { outcome } of outcomes) if (outcome.job === now?.assignment.job) now.ended(outcome);
        },
        returned() {
          if (!now) return;
          if (++now.returns <= MOST_RETURNS) return workers.give(now.agent.name, [now.assignment]);
          const { job, attempt } = now.assignment;
          const at = time.now();
          const fault = { code: 'CELL_LOST', message: 'its cell was lost again and again before it began' };
          now.ended({ job, attempt, startedAt: at, finishedAt: at, is: 'failed', fault, retry: true });
        },
        capacityChanged() {},
      },
      answer: async (call) => now?.answer(call),
      secrets: async (agent) => secrets.values(agent),
      lines: (lines) => void now?.lines.push(...lines.filter(({ job }) => job === now?.assignment.job)),
      gone() {},
    },
    {
      folder,
      emptyFolder: join(folder, 'data/run/empty'),
      rehearsal: () => ({ folder, env: envOf(process.env), now: now?.now ?? null, net: 'asked' }),
    },
  );
  await workers.start();

  return {
    async run(turn) {
      const ended = Promise.withResolvers<Outcome>();
      now = { ...turn, returns: 0, lines: [], ended: ended.resolve };
      const { lines } = now;
      workers.use([planPlacement({ agent: turn.agent })]);
      workers.give(turn.agent.name, [turn.assignment]);
      const outcome = await ended.promise;
      workers.use([]);
      const until = time.monotonic() + GONE_WITHIN_MS;
      // Its last lines come with its end.
      while (workers.view().workers.length > 0 && time.monotonic() < until) await time.sleep(LOOK_EVERY_MS);
      now = undefined;
      return { outcome, lines };
    },
    close: () => workers.stop(),
  };
}

/** What it needs of it is named in its needs. */
function envOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
