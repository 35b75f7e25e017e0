import { HOST_SETTINGS, type HostSettings, isLiveSetting, placeOf } from '../../catalog/files/host-settings-table.ts';
import type { ChangedSetting } from './change.ts';

type Row = (typeof HOST_SETTINGS)[number];

/** Whether a host takes all these changes while it works. All other settings need rooms to be built anew. */
export function isLive(changed: readonly ChangedSetting[]): boolean {
  return changed.every(({ path }) => isLiveSetting(path));
}

/**
 * Settings on probation: nothing is deleted that the good ones would keep, because nobody could take back a deletion. Of
 * each setting that deletes, the larger value holds.
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
