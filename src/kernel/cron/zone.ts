import { checkTimezone } from './zone-name.ts';

/**
 * A stretch of time in which a zone keeps one offset. Wall times here are epoch ms of the same reading in UTC, so that
 * `wall = instant + offset`.
 */
interface Stretch {
  /** Epoch ms; the first one reaches back to −Infinity. */
  from: number;
  /** Epoch ms, not part of it; Infinity when the zone never changes again. */
  to: number;
  offset: number;
  /** The wall time that the zone's clocks had reached before `from`: later than `from + offset` when they were set back. */
  reached: number;
}

interface Zone {
  stretches: Stretch[];
  /** Where the search for the next change goes on. */
  at: Temporal.ZonedDateTime;
}

/** Looking a change up costs 2 µs and each asked instant 1.5 µs; from this memory it costs next to nothing. */
const zones = new Map<string, Zone>();

/** The zone's stretch that holds the instant. Instants before 1970 are taken to have the offset of 1970. */
export function stretchAt(timezone: string, instant: number): { index: number; stretch: Stretch } {
  const zone = zoneOf(timezone);
  while (zone.stretches.at(-1)!.to <= instant) extend(zone);
  let low = 0;
  let high = zone.stretches.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (zone.stretches[middle]!.to <= instant) low = middle + 1;
    else high = middle;
  }
  return { index: low, stretch: zone.stretches[low]! };
}

/** The stretch of that number, counted from 1970; it must exist: the one before it ends. */
export function stretchNumber(timezone: string, index: number): Stretch {
  const zone = zoneOf(timezone);
  while (zone.stretches.length <= index) extend(zone);
  return zone.stretches[index]!;
}

function zoneOf(timezone: string): Zone {
  const known = zones.get(timezone);
  if (known) return known;
  checkTimezone(timezone);
  const at = new Temporal.ZonedDateTime(0n, timezone);
  const first = { from: -Infinity, offset: at.offsetNanoseconds / 1e6, reached: -Infinity };
  const zone: Zone = { stretches: [{ ...first, to: nextChange(at)?.epochMilliseconds ?? Infinity }], at };
  zones.set(timezone, zone);
  return zone;
}

function extend(zone: Zone): void {
  const last = zone.stretches.at(-1)!;
  zone.at = nextChange(zone.at)!;
  zone.stretches.push({
    from: last.to,
    to: nextChange(zone.at)?.epochMilliseconds ?? Infinity,
    offset: zone.at.offsetNanoseconds / 1e6,
    reached: Math.max(last.reached, last.to + last.offset),
  });
}

function nextChange(at: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null {
  return at.getTimeZoneTransition('next');
}
