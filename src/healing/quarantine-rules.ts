import { pauseAfter } from '../kernel/backoff.ts';
import { HOUR_MS } from '../kernel/measures.ts';
import type { QuarantineRecord } from './ports.ts';

/** Pauses between probes: a minute after the first end, doubled up to an hour, ±25 %. Probes never stop. */
const PROBES = { first: 60_000, longest: HOUR_MS };

/** A quarantine that begins now. */
export function beginQuarantine(
  facts: Pick<QuarantineRecord, 'agent' | 'incident' | 'fingerprint'>,
  now: number,
  chance: number,
): QuarantineRecord {
  return { ...facts, since: now, probes: 0, nextProbeAt: now + pauseAfter(1, PROBES, chance) };
}

/** The quarantine after a probe that failed. */
export function afterFailedProbe(record: QuarantineRecord, now: number, chance: number): QuarantineRecord {
  const probes = record.probes + 1;
  return { ...record, probes, nextProbeAt: now + pauseAfter(probes + 1, PROBES, chance) };
}

/** How many jobs of the agent may run at once: one when a probe is due, none before, no bound without a quarantine. */
export function allowanceOf(record: QuarantineRecord | undefined, now: number): number {
  if (!record) return Number.POSITIVE_INFINITY;
  // A clock that was set back must not lengthen the pause beyond the longest one.
  const isDue = now >= record.nextProbeAt || record.nextProbeAt - now > PROBES.longest * 1.25;
  return isDue ? 1 : 0;
}
