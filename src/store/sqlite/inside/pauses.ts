import type { DatabaseSync } from 'node:sqlite';
import { isInstant } from '../../../kernel/instant.ts';
import { type StoreOps, timeIn } from '../wire.ts';
import { mustBeInstants } from './readable.ts';

/** Agents that a person paused. */
export function pauses(db: DatabaseSync): Pick<StoreOps, 'pause' | 'resume' | 'paused'> {
  const pause = db.prepare(`
    INSERT INTO pause (agent, until, paused_at) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET until = excluded.until, paused_at = excluded.paused_at`);
  const resume = db.prepare('DELETE FROM pause WHERE agent = ?1 AND (?2 IS NULL OR until = ?2)');
  const paused = db.prepare('SELECT agent, paused_at AS since, until FROM pause ORDER BY agent');
  return {
    pause(now, agent, forMs) {
      const until = forMs === null ? null : timeIn(now, forMs);
      pause.run(agent, until, now);
      return { since: now, until };
    },
    resume: (agent, until) => void resume.run(agent, until ?? null),
    paused: () =>
      (paused.all() as { agent: string; since: number; until: number | null }[]).map((row) => {
        mustBeInstants(row.until);
        // A broken begin holds no host up: only people read it.
        return { ...row, since: isInstant(row.since) ? row.since : null };
      }),
  };
}
