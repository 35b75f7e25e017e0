import { describe, expect, test } from 'vitest';
import { type CellSample, createCellHistory, unaccountedOf } from '../../src/workers/cell-memory.ts';
import { CLIMBING, CLIMBING_SLOWLY, HEALTHY } from './cell-histories.ts';

const MB = 1024 * 1024;
const FEW = { workers: 4, fds: 60, mostFds: 1_000 };
/** [seconds, RSS in MB, heap and external memory of all workers in MB, workers] */
type Row = readonly [number, number, number, number];

const lookOf = ([s, rss, accounted, workers]: Row): CellSample => ({
  ...FEW,
  at: s * 1_000,
  rssBytes: rss * MB,
  accountedBytes: accounted * MB,
  workers,
});

function buildCounts(rows: readonly Row[]) {
  const history = createCellHistory();
  for (const row of rows) {
    const verdict = history.add(lookOf(row));
    if (verdict.is !== 'fine') return { ...verdict, atSeconds: row[0] };
  }
  return { is: 'fine' as const };
}

describe('memory that no worker accounts for', () => {
  test('is what is resident beyond the cell itself, its workers, and what they hold', () => {
    expect(unaccountedOf(lookOf([0, 300, 100, 4]))).toBe((300 - 48 - 32 - 100) * MB);
    expect(unaccountedOf(lookOf([0, 60, 100, 4]))).toBe(0);
  });

  test('of a healthy cell under load, as it was recorded, is no reason for anything', () => {
    expect(buildCounts(HEALTHY)).toEqual({ is: 'fine' });
  });

  test('of a healthy cell for hours is none either', () => {
    const hours = CLIMBING_SLOWLY.map(([s, rss, ...rest]): Row => [s, rss - (s * 2) / 60, ...rest]);
    expect(buildCounts(hours)).toEqual({ is: 'fine' });
  });

  test('that climbs by megabytes a second, as it was recorded, has the cell replaced within two minutes', () => {
    const verdict = buildCounts(CLIMBING);
    expect(verdict).toMatchObject({
      is: 'recycle',
      why: expect.stringMatching(/no worker accounts for climbs: .* more a minute/),
    });
    expect((verdict as { atSeconds: number }).atSeconds).toBeLessThan(120);
  });

  test('that climbs by 2 MB a minute has the cell replaced as well', () => {
    expect(buildCounts(CLIMBING_SLOWLY)).toMatchObject({ is: 'recycle' });
  });

  test('of a step to another load is none: it does not go on', () => {
    const rows = Array.from({ length: 3_600 }, (_, s): Row => [s, s < 1_800 ? 150 : 550, 60, 4]);
    expect(buildCounts(rows)).toEqual({ is: 'fine' });
  });

  test('beyond all measure has the cell killed at once', () => {
    expect(buildCounts([[0, 2_300, 10, 2]])).toMatchObject({ is: 'kill', why: expect.stringContaining('2.2 GB') });
  });
});

test('open files beyond half of what a process may have, have the cell replaced', () => {
  const history = createCellHistory();
  const look = lookOf([0, 100, 10, 2]);
  expect(history.add({ ...look, fds: 500 })).toEqual({ is: 'fine' });
  expect(history.add({ ...look, fds: null })).toEqual({ is: 'fine' });
  expect(history.add({ ...look, fds: 501 })).toMatchObject({
    is: 'recycle',
    why: '501 of 1000 file descriptors are open',
  });
});
