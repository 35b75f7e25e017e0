import { hourlyRises } from '../../src/host/warnings/hourly.ts';
import { type BoundedQuantity, createQuantitySource } from '../../src/host/warnings/quantities.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { Aggregate } from '../../src/telemetry/ports.ts';
import { Clock, T0 } from '../clock.ts';
import { randomOf } from '../healing/courses.ts';

/** Courses of other quantities than memory, before the looks that a host has. `hitsAfter`: hours until a true course is at its limit. */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MB = 1024 ** 2;
const GB = 1024 * MB;

export interface OtherCourse {
  name: string;
  quantity: BoundedQuantity['quantity'] | 'duration' | 'wait' | 'errors';
  limit: number;
  hitsAfter?: number;
  of(random: () => number): (ms: number) => number;
}

const noise = (random: () => number, share: number) => 1 + (random() + random() + random() - 1.5) * share;
const dayOf = (ms: number, from: number) => Math.sin((ms / DAY + from) * 2 * Math.PI);

const QUANTITIES: readonly OtherCourse[] = [
  {
    ...{ name: 'logs at 500 MB an hour', quantity: 'logs', limit: 20 * GB, hitsAfter: (19 * GB) / (500 * MB) },
    of: (random) => (ms) => GB + (ms / HOUR) * 500 * MB + random() * 20 * MB,
  },
  {
    ...{ name: 'pool drying out over 14 h', quantity: 'pool', limit: 10, hitsAfter: 14 },
    of: (random) => (ms) => Math.min(10, Math.floor((ms / (14 * HOUR)) * 10) + (random() < 0.4 ? 1 : 0)),
  },
  {
    ...{ name: 'disk that fills by 2 GB an hour', quantity: 'disk', limit: 100 * GB, hitsAfter: 20 },
    of: (random) => (ms) => 60 * GB + (ms / HOUR) * 2 * GB + random() * 100 * MB,
  },
  {
    ...{ name: 'write-ahead log that nobody shortens', quantity: 'wal', limit: GB, hitsAfter: (960 * MB) / (50 * MB) },
    of: (random) => (ms) => 64 * MB + (ms / HOUR) * 50 * MB + random() * 4 * MB,
  },
  {
    ...{ name: 'logs that rotate and are dropped', quantity: 'logs', limit: 20 * GB },
    of: (random) => (ms) => ((ms % (5 * HOUR)) / (5 * HOUR)) * 50 * MB + 400 * MB + random() * MB,
  },
  {
    ...{ name: 'disk with a backup each night', quantity: 'disk', limit: 100 * GB },
    of(random) {
      const from = random() * DAY;
      return (ms) => 55 * GB + (Math.floor((ms + from) / DAY) % 7) * 2 * GB + random() * 50 * MB;
    },
  },
  {
    ...{ name: 'pool that follows the day', quantity: 'pool', limit: 10 },
    of(random) {
      const from = random();
      return (ms) => Math.max(0, Math.round(4 + 3 * dayOf(ms, from) + (random() - 0.5) * 2));
    },
  },
  {
    ...{ name: 'write-ahead log of checkpoints', quantity: 'wal', limit: GB },
    of: (random) => (ms) => ((ms % (20 * 60_000)) / (20 * 60_000)) * 64 * MB + random() * MB,
  },
];

/** Micros of a day. */
const BUDGET = 5_000_000;
/** Midnight (UTC) after T0, in hours from it. */
const MIDNIGHT = 24 - (T0 % DAY) / HOUR;

/** What is spent since midnight, by the share of the budget in an hour; asked in order. */
function spentBy(random: () => number, shareOf: (hour: number, day: number) => number): (ms: number) => number {
  let [day, spent, last] = [0, 0, 0];
  return (ms) => {
    const at = T0 + ms;
    const today = Math.floor(at / DAY) - Math.floor(T0 / DAY);
    if (today !== day) [day, spent] = [today, 0];
    spent += (BUDGET * shareOf((at % DAY) / HOUR, day) * noise(random, 0.6) * (ms - last)) / HOUR;
    last = ms;
    return Math.min(BUDGET, spent);
  };
}
const inHours = (hour: number, from: number, until: number, share: number) =>
  hour >= from && hour < until ? share / (until - from) : 0;

const SPENDS: readonly OtherCourse[] = [
  {
    ...{ name: 'budget that is spent in 16 h', quantity: 'spend', limit: BUDGET, hitsAfter: MIDNIGHT + 16 },
    of: (random) => spentBy(random, (_, day) => (day === 0 ? 0.01 : 1 / 16)),
  },
  {
    ...{ name: 'agent that asks in a loop from 10:00 on', quantity: 'spend', limit: BUDGET },
    hitsAfter: MIDNIGHT + 24 + 10 + 6,
    of: (random) => spentBy(random, (hour, day) => (day === 2 && hour >= 10 ? 0.9 / 6 : 0.01)),
  },
  {
    ...{ name: 'spend that grows by a fifth each day', quantity: 'spend', limit: BUDGET },
    hitsAfter: MIDNIGHT + 4 * 24 + 24 / (0.55 * 1.2 ** 4),
    of: (random) => spentBy(random, (_, day) => (0.55 * 1.2 ** (day - 1)) / 24),
  },
  {
    ...{ name: 'spend of 60 % each day', quantity: 'spend', limit: BUDGET },
    of: (random) => spentBy(random, () => 0.6 / 24),
  },
  {
    ...{ name: 'spend of working hours', quantity: 'spend', limit: BUDGET },
    of: (random) => spentBy(random, (hour) => inHours(hour, 8, 18, 0.7)),
  },
  {
    ...{ name: 'spend of a nightly batch', quantity: 'spend', limit: BUDGET },
    of(random) {
      const late = Array.from({ length: 9 }, () => random() * 0.3);
      return spentBy(random, (hour, day) => inHours(hour - late[day]!, 2, 4, 0.5));
    },
  },
  {
    ...{ name: 'spend of chance', quantity: 'spend', limit: BUDGET },
    of(random) {
      const shares = Array.from({ length: 24 * 8 }, () => random() * 0.05);
      return spentBy(random, (hour, day) => shares[(day * 24 + Math.floor(hour)) % shares.length]!);
    },
  },
];

const HOURS: readonly OtherCourse[] = [
  {
    ...{ name: 'latency creeping 3 % an hour', quantity: 'duration', limit: 10_000 },
    hitsAfter: Math.log(10_000 / 200) / Math.log(1.03),
    of: (random) => (ms) => 200 * 1.03 ** (ms / HOUR) * noise(random, 0.2),
  },
  {
    ...{ name: 'waits creeping 5 % an hour', quantity: 'wait', limit: 60_000 },
    hitsAfter: Math.log(60_000 / 1_000) / Math.log(1.05),
    of: (random) => (ms) => 1_000 * 1.05 ** (ms / HOUR) * noise(random, 0.2),
  },
  {
    ...{ name: 'errors, a point more an hour', quantity: 'errors', limit: 1, hitsAfter: 99 },
    of: (random) => (ms) => Math.min(1, (0.01 + (0.01 * ms) / HOUR) * noise(random, 0.2)),
  },
  {
    ...{ name: 'latency of noise', quantity: 'duration', limit: 10_000 },
    of: (random) => () => 500 * noise(random, 0.4),
  },
  {
    ...{ name: 'latency that follows the day', quantity: 'duration', limit: 10_000 },
    of(random) {
      const from = random();
      return (ms) => 800 * (1.5 + dayOf(ms, from)) * noise(random, 0.2);
    },
  },
  {
    ...{ name: 'latency of load steps', quantity: 'duration', limit: 10_000 },
    of(random) {
      const steps = Array.from({ length: 40 }, () => 300 + random() * 3_000);
      return (ms) => steps[Math.floor(ms / (5 * HOUR)) % steps.length]! * noise(random, 0.2);
    },
  },
  {
    ...{ name: 'waits behind a nightly batch', quantity: 'wait', limit: 60_000 },
    of(random) {
      const from = random() * DAY;
      return (ms) => ((ms + from) % DAY < 3 * HOUR ? 20_000 : 300) * noise(random, 0.4);
    },
  },
  {
    ...{ name: 'errors of chance', quantity: 'errors', limit: 1 },
    of: (random) => () => Math.max(0, 0.03 * noise(random, 2)),
  },
];

export const OTHER_COURSES: readonly OtherCourse[] = [...QUANTITIES, ...SPENDS, ...HOURS];

/** The hours at which a warning of the course began in some days; of a true course the first. */
export async function replayOther(course: OtherCourse, seed: number, days: number, stepMs: number): Promise<number[]> {
  const end = Math.min(days * 24, course.hitsAfter ?? Number.POSITIVE_INFINITY);
  const held = course.of(randomOf(seed));
  const words = !HOURS.includes(course) ? replayQuantity(course, held, end, stepMs) : replayHours(course, held, end);
  return course.hitsAfter === undefined ? await words : (await words).slice(0, 1);
}

async function replayQuantity(course: OtherCourse, held: (ms: number) => number, end: number, stepMs: number) {
  const { quantity, limit, hitsAfter } = course;
  const clock = new Clock();
  const agent = quantity === 'pool' || quantity === 'spend' ? 'shop' : null;
  let value = 0;
  const source = createQuantitySource({
    ...{ time: clock, log: silentLog, store: { putFinding: async () => {}, findings: async () => [] } },
    read: () => [{ quantity, agent, value, limit, ...budgetOf(quantity, clock.wall) } as BoundedQuantity],
  });
  const words: number[] = [];
  let isOn = false;
  for (let ms = 0; ms < end * HOUR && !(hitsAfter !== undefined && isOn); ms += stepMs) {
    clock.wall = T0 + ms;
    value = Math.round(held(ms));
    const isSeen = (await source()).length > 0;
    if (isSeen && !isOn) words.push(ms / HOUR);
    isOn = isSeen;
  }
  return words;
}

function budgetOf(quantity: OtherCourse['quantity'], now: number): Pick<BoundedQuantity, 'budget'> {
  const begin = now - (now % DAY);
  return quantity === 'spend'
    ? { budget: { which: 'money', day: new Date(begin).toISOString(), end: begin + DAY } }
    : {};
}

const RUNS = 200;

async function replayHours({ quantity, limit }: OtherCourse, held: (ms: number) => number, end: number) {
  const hours: Aggregate[] = [];
  const words: number[] = [];
  let isOn = false;
  for (let hour = 0; hour < end; hour++) {
    const value = held(hour * HOUR);
    const failedAttempts = quantity === 'errors' ? Math.round(RUNS * value) : 0;
    const figures = { p50Ms: 0, p99Ms: 0, p95Ms: quantity === 'duration' ? value : 100 };
    const waits = { lateMaxMs: 0, lateP95Ms: quantity === 'wait' ? value : 100, memoryPeakBytes: null };
    const counts = { agent: 'shop', start: T0 + hour * HOUR, done: RUNS - failedAttempts, dead: 0, failedAttempts };
    hours.push({ ...counts, ...figures, ...waits });
    const now = T0 + (hour + 1) * HOUR;
    const timeoutMs = quantity === 'duration' ? limit : 600_000;
    const isSeen = hourlyRises('shop', hours.slice(-48), { timeoutMs }, now).length > 0;
    if (isSeen && !isOn) words.push(hour + 1);
    isOn = isSeen;
  }
  return words;
}
