import type { DatabaseSync } from 'node:sqlite';
import type { Heartbeat, HeartbeatStore } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { mustBeInstants } from './faults.ts';

export function heartbeatWrites(db: DatabaseSync): Pick<Sync<HeartbeatStore>, 'putHeartbeats' | 'forgetHeartbeat'> {
  const put = db.prepare(`
    INSERT INTO heartbeat (kind, name, at, within_ms) VALUES (?, ?, ?, ?)
    ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, within_ms = excluded.within_ms WHERE excluded.at > at`);
  const forget = db.prepare('DELETE FROM heartbeat WHERE kind = ? AND name = ?');
  return {
    putHeartbeats(heartbeats) {
      for (const { kind, name, at, withinMs } of heartbeats) put.run(kind, name, at, withinMs ?? null);
    },
    forgetHeartbeat: (kind, name) => forget.run(kind, name).changes === 1,
  };
}

export function heartbeatReads(db: DatabaseSync): Pick<Sync<HeartbeatStore>, 'heartbeats'> {
  const all = db.prepare('SELECT kind, name, at, within_ms AS withinMs FROM heartbeat ORDER BY kind, name');
  return {
    heartbeats: () =>
      (all.all() as unknown as (Heartbeat & { withinMs: number | null })[]).map(({ withinMs, ...row }) => {
        mustBeInstants(row.at);
        return withinMs === null ? row : { ...row, withinMs };
      }),
  };
}
