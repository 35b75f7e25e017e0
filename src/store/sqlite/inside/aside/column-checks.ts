/** Conditions under which a column cannot be read, as SQL. */
import { INSTANTS } from '../../../../kernel/instant.ts';
import { COUNTS, SUMS } from '../../../checks.ts';

/** A number that is not within bounds. */
export const outside = (column: string, { least, most }: { least: number; most: number }) =>
  `${column} NOT BETWEEN ${least} AND ${most}`;
/** No time that a Date can have. */
export const noTime = (column: string) => outside(column, INSTANTS);
/** No count. */
export const noCount = (column: string) => outside(column, COUNTS);
/** No day such as 2026-11-27. */
export const noDay = (column: string) => `${column} NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'`;
/** Columns that hold sums, each with what makes its row unreadable. */
export const sums = (...columns: string[]) =>
  Object.fromEntries(columns.map((column) => [column, outside(column, SUMS)]));
/** No number of a row. */
export const noRow = (column: string) => outside(column, { least: 1, most: Number.MAX_SAFE_INTEGER });
/** None of the words. */
export const notAmong = (column: string, words: readonly string[]) =>
  `${column} NOT IN (${words.map(quoted).join(', ')})`;
/** A text as SQL. */
export const quoted = (word: string) => `'${word.replaceAll("'", "''")}'`;
/** No JSON object whose members have these types. Whether it is JSON at all has to be asked first. */
export const notObject = (column: string, members: Readonly<Record<string, string>>) => {
  const types = Object.entries(members).map(([name, type]) => `json_type(${column}, '$.${name}') IS NOT '${type}'`);
  return `CASE WHEN ${column} IS NULL THEN 0 WHEN NOT json_valid(${column}) THEN 1 WHEN json_type(${column}) <> 'object' THEN 1 ELSE ${types.length > 0 ? types.join(' OR ') : '0'} END`;
};

/** No JSON list. */
export const notList = (column: string) =>
  `CASE WHEN json_valid(${column}) THEN json_type(${column}) <> 'array' ELSE 1 END`;
