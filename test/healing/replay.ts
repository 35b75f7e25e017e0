import { createEdges } from '../../src/healing/edges.ts';
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
  const edges = createEdges({
    time: clock,
    log: silentLog,
    store: { putFinding: async () => {}, findings: async () => [] },
  });
  const watch = createLeakWatch({
    time: clock,
    edges,
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
