import type { DatabaseSync } from 'node:sqlite';
import type { StateEntry, StateSize } from '../../../jobs/ports.ts';
import type { StoreOps } from '../wire.ts';

type StateReads = Pick<StoreOps, 'getState' | 'stateKeys' | 'stateEntries' | 'stateSizes'>;
type StateWrites = Pick<StoreOps, 'setState' | 'deleteState' | 'moveState'>;

/** What is asked of the durable key-value map of each agent. */
export function stateReads(db: DatabaseSync): StateReads {
  const get = db.prepare('SELECT value FROM state WHERE agent = ? AND key = ?');
  const keys = db.prepare('SELECT key FROM state WHERE agent = ? ORDER BY key');
  const entry = db.prepare('SELECT key, value, set_at AS setAt FROM state WHERE agent = ? AND key = ?');
  const entries = db.prepare('SELECT key, value, set_at AS setAt FROM state WHERE agent = ? ORDER BY key');
  const sizes = db.prepare(`
    SELECT agent, count(*) AS keys, sum(octet_length(value)) AS bytes FROM state GROUP BY agent ORDER BY agent`);
  const plain = <Row>(rows: Record<string, unknown>[]) => rows.map((row) => ({ ...row }) as Row);
  return {
    getState: (agent, key) => (get.get(agent, key) as { value: string } | undefined)?.value,
    stateKeys: (agent) => (keys.all(agent) as { key: string }[]).map(({ key }) => key),
    stateEntries: (agent, key) => plain<StateEntry>(key === undefined ? entries.all(agent) : entry.all(agent, key)),
    stateSizes: () => plain<StateSize>(sizes.all()),
  };
}

/** What changes it. */
export function stateWrites(db: DatabaseSync): StateWrites {
  const set = db.prepare(`
    INSERT INTO state (agent, key, value, set_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, set_at = excluded.set_at`);
  const remove = db.prepare('DELETE FROM state WHERE agent = ? AND key = ?');
  const move = db.prepare('UPDATE OR IGNORE state SET agent = ?2 WHERE agent = ?1 RETURNING key');
  return {
    setState: (now, agent, key, value) => void set.run(agent, key, value, now),
    deleteState: (agent, key) => void remove.run(agent, key),
    moveState: (from, to) => (move.all(from, to) as { key: string }[]).map(({ key }) => key).sort(),
  };
}
