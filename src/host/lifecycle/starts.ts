import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileId } from '../../control/place.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { HostEndRecord } from '../../kernel/pulse.ts';
import type { Events } from '../../telemetry/events.ts';

/** The count of starts, which each start of a host leaves for the next, however the host ended. */
export interface Starts {
  /** Starts in a row, before this one, that came to nothing. */
  failed: number;
  /** The host before this one ended without an orderly stop; undefined when it stopped in order, or there was none. */
  lost: HostEndRecord | undefined;
  /** The host has worked for a while: the starts before it are forgiven. */
  proven(): void;
  /** The host ends as it was asked to, or has said why. `place`: the folder's path of now, if it was moved. */
  over(place?: string): void;
  /** The host cannot start, for a reason that no other start would change: that start has not failed. */
  refused(): void;
}

interface Kept {
  failed: number;
  pid: number;
  at: number;
  open: boolean;
  /** Device and inode of the folder: a copy of it is another. */
  folder?: string;
}

/** After this many failed starts the next one is in safe mode. */
const STARTS_TO_SAFE_MODE = 3;
/** A host that lives this long after it was ready has not failed to start. */
export const PROVEN_MS = 10_000;
/** Of a lost host's stderr, so many letters become part of the event. */
const MOST_WORDS = 4_096;

/**
 * Counts this start as failed until the host has proven itself: a host that is killed cannot count afterwards. The folder's
 * lock must be held. A guardian's first host forgets what was before: a person has started it, perhaps after a repair. A disk
 * that takes no file costs the count, not the start.
 */
export function countStart(folder: string, { now, forget }: { now: number; forget: boolean }): Starts {
  const fileIn = (place: string) => join(place, 'data/run/starts.json');
  const file = fileIn(folder);
  const id = fileId(folder);
  const found = read(file);
  // Of another folder, from which this one was copied while its host was at work: no host of this one was lost.
  const before = found?.folder === undefined || found.folder === id ? found : undefined;
  const failed = forget ? 0 : (before?.failed ?? 0);
  const mine = { pid: process.pid, at: now, ...given({ folder: id }) };
  write(file, { ...mine, failed: failed + 1, open: true });
  return {
    failed,
    lost: before?.open ? lostHost(before, now) : undefined,
    proven: () => write(file, { ...mine, failed: 0, open: true }),
    over: (place = folder) => write(fileIn(place), { ...mine, failed: 0, open: false }),
    refused: () => write(file, { ...mine, failed, open: false }),
  };
}

/** Why a host has to start in safe mode; undefined when it has not. */
export function reasonForSafeMode({ safe }: { safe: boolean }, { failed }: Starts): string | undefined {
  if (safe) return 'started with --safe';
  return failed >= STARTS_TO_SAFE_MODE ? `the last ${failed} starts failed` : undefined;
}

/** Records the hosts that were lost, once; the guardian knows more of them than the count of starts. */
export function recordLostHosts(
  events: Pick<Events, 'record'>,
  known: readonly HostEndRecord[],
  counted: HostEndRecord | undefined,
): readonly HostEndRecord[] {
  const lost = known.length > 0 || !counted ? known : [counted];
  for (const { pid, at, why, code, signal, uptimeMs, stderr } of lost) {
    const message = `the host${pid === null ? '' : ` (pid ${pid})`} ${why}`;
    const tail = stderr.slice(-MOST_WORDS);
    const data = { pid, endedAt: isoOf(at), why, code, signal, uptimeMs, ...(tail && { stderr: tail }) };
    events.record('warn', { kind: 'host.lost', agent: null, message, data });
  }
  return lost;
}

function lostHost({ pid }: Kept, now: number): HostEndRecord {
  const why = 'ended without a word: it was killed, or the machine went down';
  return { pid, at: now, code: null, signal: null, uptimeMs: null, why, stderr: '' };
}

function read(file: string): Kept | undefined {
  try {
    const { failed, pid, at, open, folder } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
    if (!Number.isInteger(failed) || typeof pid !== 'number') return undefined;
    return { failed: failed!, pid, at: at ?? 0, open: open === true, ...given({ folder }) };
  } catch {
    return undefined;
  }
}

function write(file: string, kept: Kept) {
  try {
    // A half-written count would be none.
    writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch {}
}
