import {
  differenceOf,
  emptyProfile,
  learn,
  newLife,
  stepLife,
  type VersionProfile,
} from '../../src/healing/difference-look.ts';
import { createEdges } from '../../src/healing/edges.ts';
import type { Leak } from '../../src/healing/forecast.ts';
import { createLeakWatch } from '../../src/healing/leaks.ts';
import type { OpenIncident } from '../../src/healing/open-incidents.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { Clock, T0 } from '../clock.ts';
import { type Course, LEAK_FROM, LIMIT, randomOf } from './courses.ts';

const HOUR = 3_600_000;

interface Word {
  /** Hours since the course began. */
  hour: number;
  words: string;
}

export interface Replay {
  /** Words that people are told: incidents of leaks that were opened. */
  words: Word[];
  /** Of a true leak: hours from its begin to the limit. */
  roomHours?: number;
  /** Hours between the first word and the limit; null: it was never told. */
  leadHours?: number | null;
}

/** Days of a course before the real watch of leaks, with a reading at each step. A true leak is followed until its first word, or its limit. */
export function replay(course: Course, seed: number, days: number, stepMs: number): Replay {
  const clock = new Clock();
  const held = course.of(randomOf(seed));
  const words: Word[] = [];
  let open: OpenIncident[] = [];
  const edges = createEdges(
    {
      time: clock,
      log: silentLog,
      store: { putFinding: async () => {}, findings: async () => [] },
    },
    'memory',
  );
  const watch = createLeakWatch({
    time: clock,
    edges,
    heaps: { add() {}, keepWorkers() {} },
    runsAlways: () => false,
    openIncidents: { all: () => open, of: () => open },
    notice({ seen, worker, verdict }) {
      const incident = {
        verdict,
        remedies: [],
        openedAt: clock.wall,
        endedAt: null,
      } as unknown as OpenIncident['incident'];
      const one = { incident, worker, lastAt: clock.wall } as OpenIncident;
      if (open.length === 0) words.push({ hour: (clock.wall - T0) / HOUR, words: seen });
      open = [one];
      return one;
    },
    heal: () => {
      open = [];
    },
  });
  const room = course.leakPerHour && ((LIMIT - LEAK_FROM) / course.leakPerHour) * HOUR;
  const from = course.leakFromHour ?? 0;
  const end = Math.min(days * 24 * HOUR, from * HOUR + (room ?? Number.POSITIVE_INFINITY));
  for (let ms = 0; ms < end && !(room && words.length > 0); ms += stepMs) {
    clock.wall = T0 + ms;
    const { bytes, inJob } = held(ms);
    const job = inJob === undefined ? null : 'job-1';
    const reading = { worker: 'w1', agent: 'a', version: 'v1', cell: 1, at: clock.monotonic(), job, limitBytes: LIMIT };
    const shares = { externalBytes: 0, childrenBytes: 0, cpu: 0, loop: 0, answers: true };
    watch.read([{ ...reading, ...shares, heapBytes: Math.round(inJob ?? bytes) }]);
    if (ms % (10 * stepMs) === 0) watch.look();
  }
  if (!room) return { words };
  return { words, roomHours: room / HOUR, leadHours: words[0] ? from + room / HOUR - words[0].hour : null };
}

/** What is owed of a true leak: two hours before the limit, or half of the time that there is. */
export const owedHours = (roomHours: number) => Math.min(2, roomHours / 2);

/** A worker's life of a version, with a sample each minute: the first word of the difference look, or null. `own` learns from it. */
export function liveVersion(
  held: (ms: number) => number,
  {
    before,
    own = emptyProfile(),
    hours,
    jobsPerHour = 12,
  }: { before: VersionProfile; own?: VersionProfile; hours: number; jobsPerHour?: number },
): { hour: number; leak: Leak } | null {
  const life = newLife();
  let word: { hour: number; leak: Leak } | null = null;
  for (let ms = 0; ms < hours * HOUR && !word; ms += 60_000) {
    const sample = { ageMs: ms, jobs: Math.floor((ms / HOUR) * jobsPerHour), bytes: Math.round(held(ms)) };
    const step = stepLife(life, sample);
    if (!step) continue;
    const leak = differenceOf(life, step, before, LIMIT);
    if (leak) word = { hour: ms / HOUR, leak };
    learn(own, step);
  }
  return word;
}

/** Hours after which a version is told that holds as `held` does from its third day on, `perHour` bytes more each hour, after two days of the version before. */
export function versionHours(held: (ms: number) => number, perHour: number): number | null {
  const before = emptyProfile();
  for (const hour of [0, 16, 32])
    liveVersion((ms) => held(hour * HOUR + ms), { before: emptyProfile(), own: before, hours: 16 });
  const limitHours = perHour === 0 ? 120 : (LIMIT - LEAK_FROM) / perHour;
  const told = liveVersion((ms) => held(48 * HOUR + ms) + (perHour * ms) / HOUR, { before, hours: limitHours });
  return told ? told.hour : null;
}
