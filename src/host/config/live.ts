import type { HostSettings } from '../../catalog/files/host-settings.ts';
import type { ChangedSetting } from './change.ts';

/** Settings that a host takes while it works. All others need rooms to be built anew. */
const LIVE: ReadonlySet<string> = new Set([
  'logs.level',
  'logs.budget',
  'retention.jobs',
  'retention.slots',
  'retention.events',
  'versions.budget',
]);

export function isLive(changed: readonly ChangedSetting[]): boolean {
  return changed.every(({ path }) => LIVE.has(path) || path.startsWith('origins.'));
}

/**
 * Settings on trial, as long as they are: nothing is deleted that the good ones would keep, because that could not be
 * taken back.
 */
export function careful(tried: HostSettings, good: HostSettings): HostSettings {
  const { jobsMs, slotsMs, eventsMs } = tried.retention;
  return {
    ...tried,
    logs: { ...tried.logs, budgetBytes: Math.max(tried.logs.budgetBytes, good.logs.budgetBytes) },
    versions: { budgetBytes: Math.max(tried.versions.budgetBytes, good.versions.budgetBytes) },
    retention: {
      jobsMs: Math.max(jobsMs, good.retention.jobsMs),
      slotsMs: Math.max(slotsMs, good.retention.slotsMs),
      eventsMs: Math.max(eventsMs, good.retention.eventsMs),
    },
  };
}

/** Puts what is live of `from` into the settings that the rooms hold. */
export function takeLive(into: HostSettings, from: HostSettings): void {
  into.logs.level = from.logs.level;
  into.logs.budgetBytes = from.logs.budgetBytes;
  Object.assign(into.retention, from.retention);
  Object.assign(into.versions, from.versions);
  into.origins = from.origins;
}
