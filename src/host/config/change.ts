import { HOST_SETTINGS, type HostSettings, isLiveSetting, placeOf } from '../../catalog/files/host-settings-table.ts';
import type { ValueSource } from '../../catalog/ports.ts';
import { sha256 } from '../../kernel/sha256.ts';

/** A setting of the host that two files say differently, as people may see it: secrets are hidden. */
export interface ChangedSetting {
  path: string;
  before: string;
  after: string;
}

/** A setting with such a name may hold a secret: its value is never shown. */
const SECRET_NAME = /pass(word|phrase)?|secret|token|credential|api_?key/i;
/** The user and the password in an address. */
const USER_OF_ADDRESS = /(\w+:\/\/)[^\s/@]+@/g;
const HIDDEN = '(hidden)';
const ID_LENGTH = 8;
const MOST_SHOWN = 5;

/** The settings whose values differ, sorted by path. Origins, comments and the order of the files make no difference. */
export function changedSettings(before: readonly ValueSource[], after: readonly ValueSource[]): ChangedSetting[] {
  const was = new Map(before.map(({ path, value }) => [path, value]));
  const is = new Map(after.map(({ path, value }) => [path, value]));
  const paths = [...new Set([...was.keys(), ...is.keys()])].sort();
  return paths
    .filter((path) => JSON.stringify(was.get(path)) !== JSON.stringify(is.get(path)))
    .map((path) => ({ path, before: shown(path, was.get(path)), after: shown(path, is.get(path)) }));
}

/** `cells.idle 60s → 1ms, store.file data/daruma.db → /mnt/daruma.db`; at most five settings, then their number. */
export function changeWords(changed: readonly ChangedSetting[]): string {
  const words = changed.slice(0, MOST_SHOWN).map(({ path, before, after }) => `${path} ${before} → ${after}`);
  const more = changed.length > words.length ? `, and ${changed.length - words.length} more` : '';
  return `${words.join(', ')}${more}`;
}

/** Names what a file says: equal for files that set the same values. Comments, order and defaults are no part of the name. */
export function configId(values: readonly ValueSource[]): string {
  const said = values.filter(({ origin }) => origin !== 'default').map(({ path, value }) => [path, value]);
  const text = JSON.stringify(said.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
  return sha256(text).slice(0, ID_LENGTH);
}

function shown(path: string, value: unknown): string {
  if (value === undefined) return 'unset';
  if (SECRET_NAME.test(path)) return HIDDEN;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(USER_OF_ADDRESS, `$1${HIDDEN}@`);
}

type Row = (typeof HOST_SETTINGS)[number];

/** Whether a host takes all these changes while it works. All other settings need rooms to be built anew. */
export function isLive(changed: readonly ChangedSetting[]): boolean {
  return changed.every(({ path }) => isLiveSetting(path));
}

/**
 * Settings on probation: the host deletes nothing that the good settings would keep, because a deletion cannot be taken back.
 * Of each setting that deletes, the larger value holds.
 */
export function careful(tried: HostSettings, good: HostSettings): HostSettings {
  const settings = structuredClone(tried);
  for (const row of HOST_SETTINGS) {
    if (row.deletes) put(settings, row, Math.max(valueIn(tried, row) as number, valueIn(good, row) as number));
  }
  return settings;
}

/** Puts the live settings of `from` into the settings that the rooms hold. */
export function takeLive(into: HostSettings, from: HostSettings): void {
  for (const row of HOST_SETTINGS) if (row.live) put(into, row, valueIn(from, row));
}

function valueIn(settings: HostSettings, row: Row): unknown {
  const { group, name } = placeOf(row);
  return holderOf(settings, group)[name];
}

function put(settings: HostSettings, row: Row, value: unknown): void {
  const { group, name } = placeOf(row);
  holderOf(settings, group)[name] = value;
}

/** The object in which {@link HostSettings} has the values of a group. */
function holderOf(settings: HostSettings, group: string | undefined): Record<string, unknown> {
  const values = settings as unknown as Record<string, unknown>;
  return group === undefined ? values : (values[group] as Record<string, unknown>);
}
