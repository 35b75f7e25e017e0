import { createHash } from 'node:crypto';
import type { ValueSource } from '../ports.ts';

/** A setting of the host that two files say differently, as people may see it. */
export interface ChangedSetting {
  path: string;
  before: string;
  after: string;
}

/** What says something about a secret by its name is never shown. */
const SECRET_NAME = /pass(word|phrase)?|secret|token|credential|api_?key/i;
/** Who and with what word somebody comes to an address. */
const USER_OF_ADDRESS = /(\w+:\/\/)[^\s/@]+@/g;
const HIDDEN = '(hidden)';
const SHOWN_ID = 8;

/** The settings that are not the same, whatever the rest of the files looks like. */
export function changedSettings(before: readonly ValueSource[], after: readonly ValueSource[]): ChangedSetting[] {
  const was = new Map(before.map(({ path, value }) => [path, value]));
  const is = new Map(after.map(({ path, value }) => [path, value]));
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort();
  return paths
    .filter((path) => JSON.stringify(was.get(path)) !== JSON.stringify(is.get(path)))
    .map((path) => ({ path, before: shown(path, was.get(path)), after: shown(path, is.get(path)) }));
}

/** `cells.idle 60s → 1ms, store.file data/daruma.db → /mnt/daruma.db`; at most five of them. */
export function changeWords(changed: readonly ChangedSetting[]): string {
  const told = changed.slice(0, 5).map(({ path, before, after }) => `${path} ${before} → ${after}`);
  const more = changed.length > told.length ? `, and ${changed.length - told.length} more` : '';
  return `${told.join(', ')}${more}`;
}

/** Names what a file says: equal for files that set the same values. Comments, order and defaults are no part of it. */
export function configId(values: readonly ValueSource[]): string {
  const said = values.filter(({ origin }) => origin !== 'default').map(({ path, value }) => [path, value]);
  const text = JSON.stringify(said.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
  return createHash('sha256').update(text).digest('hex').slice(0, SHOWN_ID);
}

function shown(path: string, value: unknown): string {
  if (value === undefined) return 'unset';
  if (SECRET_NAME.test(path)) return HIDDEN;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(USER_OF_ADDRESS, `$1${HIDDEN}@`);
}
