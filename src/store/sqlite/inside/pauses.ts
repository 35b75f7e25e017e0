import type { DatabaseSync } from 'node:sqlite';
import { isInstant } from '../../../kernel/instant.ts';
import type { StorePorts, Sync } from '../../ports.ts';
import { mustBeInstants } from './readable.ts';

/** Agents that a person paused. */
export function pauses(db: DatabaseSync): Pick<Sync<StorePorts>, 'pause' | 'resume' | 'paused'> {
  const pause = db.prepare(`
    INSERT INTO pause (agent, until, paused_at) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET until = excluded.until, paused_at = excluded.paused_at`);
  const resume = db.prepare('DELETE FROM pause WHERE agent = ?');
  const paused = db.prepare('SELECT agent, paused_at AS since, until FROM pause ORDER BY agent');
  return {
    pause: (agent, until, now) => void pause.run(agent, until, now),
    resume: (agent) => void resume.run(agent),
    paused: () =>
      (paused.all() as { agent: string; since: number; until: number | null }[]).map((row) => {
        mustBeInstants(row.until);
        // A broken begin holds no host up: only people read it.
        return { ...row, since: isInstant(row.since) ? row.since : null };
      }),
  };
}
