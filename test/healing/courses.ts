/** Courses of memory for replays: bytes that a worker holds at each moment of simulated days, each by chance from a seed. */

const MB = 1024 * 1024;
const HOUR = 3_600_000;
const MINUTE = 60_000;
export const LIMIT = 512 * MB;
/** What a leak starts from. */
export const LEAK_FROM = 100 * MB;

/** What the worker holds at `ms` after its start; `inJob`: while a job runs that frees it at its end. */
interface Held {
  bytes: number;
  inJob?: number;
}

export interface Course {
  name: string;
  /** Bytes an hour of a true leak; absent: the course is healthy. */
  leakPerHour?: number;
  /** When the leak begins, in hours. Default 0: with its worker. */
  leakFromHour?: number;
  of(random: () => number): (ms: number) => Held;
}

/** Garbage between two collections, as a saw of `height` bytes, with noise. */
function saw(random: () => number, height: number, everyMs: number) {
  const phase = random() * everyMs;
  return (ms: number) => (((ms + phase) % everyMs) / everyMs) * height + random() * 2 * MB;
}

const leak = (perHour: number, tooth = 10, fromHour = 0): Course => ({
  name: `leak ${perHour / MB} MB/h, tooth ${tooth} MB${fromHour === 0 ? '' : `, from hour ${fromHour} on`}`,
  leakPerHour: perHour,
  leakFromHour: fromHour,
  of(random) {
    const teeth = saw(random, tooth * MB, (5 + random() * 40) * MINUTE);
    return (ms) => ({ bytes: LEAK_FROM + Math.max(0, (perHour * (ms - fromHour * HOUR)) / HOUR) + teeth(ms) });
  },
});

const healthy = (name: string, held: (random: () => number) => (ms: number) => number, tooth = 20): Course => ({
  name,
  of(random) {
    const teeth = saw(random, tooth * MB, (5 + random() * 40) * MINUTE);
    const base = held(random);
    return (ms) => ({ bytes: 80 * MB + base(ms) + teeth(ms) });
  },
});

const hourOf = (ms: number, from: number) => (((ms / HOUR + from) % 24) + 24) % 24;

export const COURSES: readonly Course[] = [
  leak(10 * MB),
  leak(17 * MB),
  leak(17 * MB, 40),
  leak(30 * MB),
  leak(60 * MB),
  leak(60 * MB, 40),
  leak(300 * MB),
  leak(17 * MB, 10, 50),
  leak(60 * MB, 10, 50),
  healthy('flat', () => () => 0),
  healthy('flat, tooth 60', () => () => 0, 60),
  healthy('sine of a day', (random) => {
    const from = random() * 24;
    return (ms) => 120 * MB * (1 + Math.sin((hourOf(ms, from) / 24) * 2 * Math.PI));
  }),
  healthy('cache that fills in 3 hours', () => (ms) => 250 * MB * (1 - Math.exp(-ms / (3 * HOUR)))),
  healthy('cache that fills in 12 hours', () => (ms) => 250 * MB * (1 - Math.exp(-ms / (12 * HOUR)))),
  healthy('random walk', (random) => {
    let at = 0;
    let value = 100 * MB;
    return (ms) => {
      for (; at < ms; at += MINUTE) value = Math.min(300 * MB, Math.max(0, value + (random() - 0.5) * 6 * MB));
      return value;
    };
  }),
  healthy('load steps', (random) => {
    const steps = Array.from({ length: 60 }, () => random() * 300 * MB);
    return (ms) => steps[Math.floor(ms / (3 * HOUR)) % steps.length]!;
  }),
  healthy('ramp of 8 hours a day', (random) => {
    const from = random() * 24;
    return (ms) => {
      const hour = hourOf(ms, from);
      return hour < 8 ? (hour / 8) * 330 * MB : hour < 10 ? 330 * MB : 0;
    };
  }),
  healthy('ramp of a working day, slower', (random) => {
    const from = random() * 24;
    return (ms) => {
      const hour = hourOf(ms, from);
      return hour < 9 ? (hour / 9) * 150 * MB : hour < 14 ? 150 * MB : 0;
    };
  }),
  {
    name: 'batch of 3 hours each night, freed',
    of(random) {
      const teeth = saw(random, 20 * MB, (5 + random() * 40) * MINUTE);
      const from = random() * 24;
      return (ms) => {
        const hour = hourOf(ms, from);
        const bytes = 80 * MB + teeth(ms);
        return hour < 3 ? { bytes, inJob: bytes + (hour / 3) * 300 * MB } : { bytes };
      };
    },
  },
  healthy('weekly import', (random) => {
    const day = Math.floor(random() * 7);
    return (ms) => {
      const hours = ms / HOUR - day * 24;
      return hours > 2 && hours < 8 ? ((hours - 2) / 6) * 250 * MB : 0;
    };
  }),
];

/** Mulberry32 (Tommy Ettinger, 2017, public domain): the same numbers from a seed everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
