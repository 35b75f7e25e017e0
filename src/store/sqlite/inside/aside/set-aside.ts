import type { DatabaseSync } from 'node:sqlite';
import type { Aside } from '../../../../telemetry/ports.ts';
import { jobIdOf } from '../../ids.ts';
import type { StoreOps } from '../../wire.ts';
import { RULES, type TableRule } from './rules.ts';

type AsideReads = Pick<StoreOps, 'unreadable' | 'asides'>;
type AsideWrites = Pick<StoreOps, 'setAside' | 'asidesReported'>;

/** Of one row, as JSON, this much is kept at the least; an input or a result of 1 MB fits. */
const MOST_SHOWN = 1_000;

/** Looks at every row of the store for what no reader can take, and at what was set aside before. */
export function asideReads(db: DatabaseSync): AsideReads {
  const list = db.prepare(
    'SELECT id, at, source, name, agent, why, content FROM set_aside WHERE told = 0 OR ?1 ORDER BY id DESC LIMIT ?2',
  );
  return {
    unreadable() {
      return Object.entries(RULES).flatMap(([table, rule]) => {
        const rows = db.prepare(`${selected(table, rule)} LIMIT ${MOST_SHOWN}`).all() as unknown as Found[];
        return rows.map(({ name, agent, why }) => ({ source: table, name: namedFor(name), agent, why: wordsOf(why) }));
      });
    },
    asides({ unreported = false, limit }) {
      const rows = list.all(unreported ? 0 : 1, limit) as unknown as Aside[];
      return rows.map((row) => ({ ...row }));
    },
  };
}

/** Puts rows that cannot be read out of the way of everybody else, and keeps what stood in them. */
export function asideWrites(db: DatabaseSync): AsideWrites {
  const keep = (table: string, rule: TableRule, columns: string[]) => {
    // JSON holds no bytes.
    const shown = (name: string) => `iif(typeof("${name}") = 'blob', hex("${name}"), "${name}")`;
    const pairs = columns.map((name) => `'${name}', ${shown(name)}`).join(', ');
    return `INSERT INTO set_aside (at, source, name, agent, why, content)
      SELECT ?1, '${table}', name, owner, why, content FROM (
        SELECT ${rule.key} AS name, ${rule.agent} AS owner, ${whyOf(rule)} AS why, json_object(${pairs}) AS content
        FROM ${table} WHERE ${anyOf(rule)}) RETURNING id, name, why`;
  };
  const rename = db.prepare('UPDATE set_aside SET name = ?, why = ? WHERE id = ?');
  const markReported = db.prepare('UPDATE set_aside SET told = 1 WHERE id IN (SELECT value FROM json_each(?))');
  return {
    setAside(now) {
      let count = 0;
      for (const [table, rule] of Object.entries(RULES)) {
        const columns = (db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]).map(({ name }) => name);
        const kept = db.prepare(keep(table, rule, columns)).all(now) as unknown as (Found & { id: number })[];
        if (kept.length === 0) continue;
        for (const { id, name, why } of kept) rename.run(namedFor(name), wordsOf(why), id);
        const required = Object.values(rule.required);
        if (required.length > 0) db.prepare(`DELETE FROM ${table} WHERE ${required.join(' OR ')}`).run();
        const mend = mendOf(table, rule);
        if (mend) db.prepare(mend).run(...(mend.includes('?1') ? [now] : []));
        count += kept.length;
      }
      return count;
    },
    asidesReported: (ids) => void markReported.run(JSON.stringify(ids)),
  };
}

interface Found {
  name: string;
  agent: string | null;
  why: string;
}

function selected(table: string, rule: TableRule): string {
  return `SELECT ${rule.key} AS name, ${rule.agent} AS agent, ${whyOf(rule)} AS why FROM ${table} WHERE ${anyOf(rule)}`;
}

function conditionsOf({ required, mended }: TableRule): [column: string, isBad: string][] {
  return [
    ...Object.entries(required),
    ...Object.entries(mended).map(([name, { isBad }]): [string, string] => [name, isBad]),
  ];
}

function anyOf(rule: TableRule): string {
  return conditionsOf(rule)
    .map(([, isBad]) => `(${isBad})`)
    .join(' OR ');
}

/** `run_at 86401795652206944, ` for each column that cannot be read. */
function whyOf(rule: TableRule): string {
  return conditionsOf(rule)
    .map(
      ([column, isBad]) => `iif(${isBad}, '${column} ' || substr(coalesce("${column}", 'nothing'), 1, 60) || ', ', '')`,
    )
    .join(' || ');
}

/** A single UPDATE: SQL reads the old values on its right sides, so that what follows from a state sees the one before. */
function mendOf(table: string, { mended, besides = {} }: TableRule): string | undefined {
  const columns = Object.entries(mended);
  if (columns.length === 0) return undefined;
  const sets = columns.map(([name, { isBad, instead }]) => {
    const other = besides[name] ?? `"${name}"`;
    return `"${name}" = CASE WHEN ${isBad} THEN ${instead} ELSE ${other} END`;
  });
  const more = Object.entries(besides).flatMap(([name, value]) => (name in mended ? [] : [`"${name}" = ${value}`]));
  return `UPDATE ${table} SET ${[...sets, ...more].join(', ')} WHERE ${columns.map(([, { isBad }]) => `(${isBad})`).join(' OR ')}`;
}

function wordsOf(why: string): string {
  return why.replace(/, $/, '').replace(/\s+/g, ' ');
}

/** `job-2s` for `job-row 100`: people know a job by its id, not by the number of its row. */
function namedFor(name: string): string {
  return name.replace(/^job-row (\d{1,15})\b/, (_, row: string) => jobIdOf(Number(row)));
}
