import type { DatabaseSync } from 'node:sqlite';
import type { StorePorts, Sync } from '../ports.ts';

/** The durable key-value map of each agent. */
export function agentState(
  db: DatabaseSync,
): Pick<Sync<StorePorts>, 'getState' | 'setState' | 'deleteState' | 'stateKeys'> {
  const get = db.prepare('SELECT value FROM state WHERE agent = ? AND key = ?');
  const set = db.prepare(`
    INSERT INTO state (agent, key, value, set_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, set_at = excluded.set_at`);
  const remove = db.prepare('DELETE FROM state WHERE agent = ? AND key = ?');
  const keys = db.prepare('SELECT key FROM state WHERE agent = ? ORDER BY key');
  return {
    getState: (agent, key) => (get.get(agent, key) as { value: string } | undefined)?.value,
    setState: (agent, key, value, now) => void set.run(agent, key, value, now),
    deleteState: (agent, key) => void remove.run(agent, key),
    stateKeys: (agent) => (keys.all(agent) as { key: string }[]).map(({ key }) => key),
  };
}
