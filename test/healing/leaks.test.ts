import { beforeEach, describe, expect, it } from 'vitest';
import { createEdges } from '../../src/healing/edges.ts';
import { silentLog } from '../../src/kernel/log.ts';
import type { WorkerReading } from '../../src/workers/ports.ts';
import { HOUR, MINUTE, quiet, type World, world } from './world.ts';

const MB = 1024 ** 2;
let at: World;

beforeEach(async () => {
  at = await world();
});

function reading(bytes: number, job: string | null = null): WorkerReading {
  const shares = { externalBytes: 0, childrenBytes: 0, cpu: 0, loop: 0, answers: true };
  const worker = { worker: 'w1', agent: 'a', version: 'v1', cell: 1, limitBytes: 512 * MB };
  return { ...worker, ...shares, at: at.clock.monotonic(), heapBytes: bytes, job };
}

/** Hours of readings, one a minute. */
async function live(
  hours: number,
  bytesAt: (hour: number) => number,
  jobAt: (hour: number) => string | null = () => null,
) {
  for (let minute = 0; minute < hours * 60; minute++) {
    at.healer.readings([reading(Math.round(bytesAt(minute / 60)), jobAt(minute / 60))]);
    at.clock.wall += MINUTE;
    if (minute % 15 === 0) await quiet();
  }
  await quiet();
}

const leaks = () => [...at.incidentStore.kept.values()].filter(({ verdict }) => verdict === 'leaking');

describe('a leak of 17 MB an hour', () => {
  it('is told within its first ten hours, fourteen before the limit, and nothing is recycled for it yet', async () => {
    await live(11, (hour) => (100 + 17 * hour) * MB);
    expect(leaks()).toMatchObject([{ state: 'open', remedies: [] }]);
    expect(leaks()[0]!.timeline[0]!.text).toMatch(/w1 holds .* the limit in 1[45]h/);
    expect(at.asked).toEqual([]);
  });

  it('is told on the second day by what an earlier host wrote down of the first', async () => {
    await live(2, () => 100 * MB);
    await live(9, () => 100 * MB);
    await at.restart();
    at.clock.wall += 14 * HOUR;
    // No yesterday would ask for ten hours; with one that was lower, six are enough.
    await live(7, (hour) => (150 + 17 * hour) * MB);
    expect(leaks()).toHaveLength(1);
  });
});

describe('a version', () => {
  const day = async (version: string, mbAt: (hour: number) => number, hours: number) => {
    for (let minute = 0; minute < hours * 60; minute += 5) {
      at.healer.readings([{ ...reading(Math.round(mbAt(minute / 60) * MB)), version, worker: `w-${version}` }]);
      at.clock.wall += 5 * MINUTE;
    }
    await quiet();
  };

  it('that leaks where the one before did not is told on its first day, and its host may be another by then', async () => {
    await day('v1', () => 100, 22);
    expect(at.healer.versionLeaks()).toEqual([]);
    await at.restart();
    await day('v2', (hour) => 100 + 17 * hour, 4);
    expect(at.healer.versionLeaks()).toMatchObject([{ agent: 'a', version: 'v2', before: 'v1' }]);
    expect(leaks()).toEqual([]);
    await day('v1', () => 100, 1);
    expect(at.healer.versionLeaks()).toEqual([]);
  });
});

describe('memory that comes and goes', () => {
  it('is no leak while a job holds it, however long the job runs', async () => {
    await live(
      12,
      (hour) => (100 + (hour % 4) * 90) * MB,
      (hour) => (hour % 4 < 3.9 ? `job-${Math.floor(hour / 4)}` : null),
    );
    expect(leaks()).toEqual([]);
  });

  it('at the same hours of each day is told on the first day at most', async () => {
    const day = (hour: number) => (80 + (hour < 8 ? hour * 40 : 0)) * MB;
    await live(24, (hour) => day(hour));
    const first = leaks().length;
    await live(48, (hour) => day(hour % 24));
    expect([first, leaks().length]).toEqual([1, 1]);
  });
});

it('forgets the memory of an agent that is gone, and follows the one that is there', async () => {
  const edges = createEdges(
    {
      time: at.clock,
      log: silentLog,
      store: { putFinding: async () => {}, findings: async () => [] },
    },
    'quantity',
  );
  for (const key of ['memory:gone', 'memory:there', 'disk:host']) {
    edges.add(key, 'w1', 1);
    at.clock.wall += HOUR;
    expect(edges.add(key, 'w1', 2)).toBe(true);
  }
  edges.keep((key) => key !== 'memory:gone');
  expect(['memory:gone', 'memory:there', 'disk:host'].map((key) => edges.of(key).length)).toEqual([0, 1, 1]);
});
