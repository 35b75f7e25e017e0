import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileId } from '../../control/place.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { HostEndRecord } from '../../kernel/pulse.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Events } from '../../telemetry/events.ts';
import type { EventStore, FleetEvent } from '../../telemetry/ports.ts';

/** The count of starts, which each start of a host leaves for the next, however the host ended. */
export interface Starts {
  /** Starts in a row, before this one, that came to nothing. */
  failed: number;
  /** Hosts before this one that ended without an orderly stop and that no event tells of yet, oldest first. */
  lost: readonly HostEndRecord[];
  /** Events tell of the lost hosts. Until then the next start tells of them, should this host be killed. */
  recorded(): void;
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
  /** Lost hosts that no event tells of yet, and when their loss was found, epoch ms. */
  unrecorded?: { pid: number; at: number }[];
}

/** Of a lost host's stderr, so many letters become part of the event. */
const MOST_WORDS = 4_096;
const MOST_UNRECORDED = 100;

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
  const unrecorded = [...(before?.unrecorded ?? []), ...(before?.open ? [{ pid: before.pid, at: now }] : [])].slice(
    -MOST_UNRECORDED,
  );
  let mine: Kept = { pid: process.pid, at: now, ...given({ folder: id }), failed: failed + 1, open: true, unrecorded };
  const change = (to: Partial<Kept>, place = folder) => {
    mine = { ...mine, ...to };
    write(fileIn(place), mine);
  };
  change({});
  return {
    failed,
    lost: unrecorded.map(lostHost),
    recorded: () => change({ unrecorded: [] }),
    proven: () => change({ failed: 0 }),
    over: (place) => change({ failed: 0, open: false }, place),
    refused: () => change({ failed, open: false }),
  };
}

/**
 * Records the hosts that were lost, once: a host that was killed before it told the guardian that it works has recorded some of them
 * already. Resolves when that is on disk or given up.
 */
export async function recordLostHosts(
  { store, events }: { store: Pick<EventStore, 'events'>; events: Pick<Events, 'record' | 'settled'> },
  lost: readonly HostEndRecord[],
): Promise<void> {
  if (lost.length === 0) return;
  const known = await store.events({ kind: 'host.lost', limit: MOST_UNRECORDED }).catch((): FleetEvent[] => []);
  const isRecorded = ({ pid, at }: HostEndRecord) =>
    known.some(({ data }) => data?.pid === pid && data?.endedAt === isoOf(at));
  for (const { pid, at, why, code, signal, uptimeMs, stderr } of lost.filter((one) => !isRecorded(one))) {
    const message = `the host${pid === null ? '' : ` (pid ${pid})`} ${why}`;
    const tail = stderr.slice(-MOST_WORDS);
    const data = { pid, endedAt: isoOf(at), why, code, signal, uptimeMs, ...(tail && { stderr: tail }) };
    events.record('warn', {
      kind: 'host.lost',
      agent: null,
      message,
      data,
      about: [subject.lostHost(pid, at), subject.host()],
    });
  }
  await events.settled();
}

/** The lost hosts before this one: the guardian knows more of them than the count of starts. */
export function hostEndsOf(
  watched: { lost: readonly HostEndRecord[] },
  starts: Pick<Starts, 'lost'>,
): readonly HostEndRecord[] {
  return watched.lost.length > 0 ? watched.lost : starts.lost;
}

function lostHost({ pid, at }: { pid: number; at: number }): HostEndRecord {
  const why = 'ended without a word: it was killed, or the machine went down';
  return { pid, at, code: null, signal: null, uptimeMs: null, why, stderr: '' };
}

function read(file: string): Kept | undefined {
  try {
    const { failed, pid, at, open, folder, unrecorded } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
    if (!Number.isInteger(failed) || typeof pid !== 'number') return undefined;
    return {
      failed: failed!,
      pid,
      at: at ?? 0,
      open: open === true,
      unrecorded: Array.isArray(unrecorded) ? unrecorded : [],
      ...given({ folder }),
    };
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
