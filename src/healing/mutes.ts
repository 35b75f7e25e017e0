import type { Incident, Mute } from './ports.ts';

/** The mutes that are not over at `now` (epoch ms): the end of each, by its fingerprint. */
export function mutesNow(mutes: readonly Mute[], now: number): ReadonlyMap<string, number> {
  return new Map(mutes.filter(({ until }) => until > now).map(({ fingerprint, until }) => [fingerprint, until]));
}

/** Until when every one of these incidents is muted, epoch ms; null when there is none, or one of them is not muted. */
export function mutedUntil(
  incidents: readonly Pick<Incident, 'fingerprint'>[],
  mutes: ReadonlyMap<string, number>,
): number | null {
  const ends = incidents.map(({ fingerprint }) => mutes.get(fingerprint));
  return ends.length === 0 || ends.includes(undefined) ? null : Math.min(...(ends as number[]));
}
