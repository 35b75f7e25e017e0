import type { DatabaseSync } from 'node:sqlite';
import type { Finding, FindingStore } from '../../../telemetry/ports.ts';
import type { Sync } from '../../ports.ts';
import { mustBeInstants, objectIn } from './faults.ts';

export function findingWrites(db: DatabaseSync): Pick<Sync<FindingStore>, 'putFinding'> {
  const put = db.prepare(`
    INSERT INTO finding (kind, key, at, record) VALUES (?, ?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET at = excluded.at, record = excluded.record`);
  return {
    putFinding: ({ kind, key, at, record }) => void put.run(kind, key, at, JSON.stringify(record)),
  };
}

export function findingReads(db: DatabaseSync): Pick<Sync<FindingStore>, 'findings'> {
  const list = db.prepare(`
    SELECT kind, key, at, record FROM finding
    WHERE kind = ?1 AND (?2 IS NULL OR key IN (SELECT value FROM json_each(?2)))
    ORDER BY at DESC, key LIMIT ?3`);
  return {
    findings: ({ kind, keys, limit }) =>
      (list.all(kind, keys ? JSON.stringify(keys) : null, limit) as unknown as (Finding & { record: string })[]).map(
        (row) => {
          mustBeInstants(row.at);
          return { kind: row.kind, key: row.key, at: row.at, record: objectIn(row.record) };
        },
      ),
  };
}
