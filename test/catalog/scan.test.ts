import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FileStat, type FileState, type ScanResult, scan } from '../../src/catalog/watching/scan.ts';

const RULES = { settleMs: 100, goneMs: 2_000 };
const START = 1_000_000;
const file = (ino: number, mtimeMs: number, size = 10): FileStat => ({ ino, size, mtimeMs, ctimeMs: mtimeMs });

function look(before: ReadonlyMap<string, FileState>, seen: Record<string, FileStat>, at: number): ScanResult {
  return scan(before, new Map(Object.entries(seen)), { wall: START + at, monotonic: at }, RULES);
}

describe('a scan', () => {
  it('counts a file that is old when it is first seen, at once', () => {
    expect(look(new Map(), { a: file(1, START - 5_000) }, 0)).toMatchObject({ settled: ['a'], waitMs: undefined });
  });

  it('waits for one that was just written, for as long as it changes', () => {
    const first = look(new Map(), { a: file(1, START) }, 0);
    expect(first).toMatchObject({ settled: [], waitMs: 100 });
    const second = look(first.states, { a: file(1, START + 60) }, 60);
    expect(second).toMatchObject({ settled: [], waitMs: 100 });
    expect(look(second.states, { a: file(1, START + 60) }, 159)).toMatchObject({ settled: [], waitMs: 1 });
    const third = look(second.states, { a: file(1, START + 60) }, 160);
    expect(third).toMatchObject({ settled: ['a'], waitMs: undefined });
    expect(look(third.states, { a: file(1, START + 60) }, 500)).toMatchObject({ settled: [], waitMs: undefined });
  });

  it('is not fooled by a file time in the future, nor by a clock that jumps', () => {
    const first = look(new Map(), { a: file(1, START + 9_999_999) }, 0);
    expect(first.waitMs).toBe(100);
    expect(look(first.states, { a: file(1, START + 9_999_999) }, 100).settled).toEqual(['a']);
  });

  it('takes an empty file for unfinished', () => {
    const first = look(new Map(), { a: file(1, START, 0) }, 0);
    expect(first.waitMs).toBe(2_000);
    expect(look(first.states, { a: file(1, START, 0) }, 2_000).settled).toEqual(['a']);
  });

  it('lets a file go only after a while: it may be saved by delete and create', () => {
    const { states } = look(new Map(), { a: file(1, 0) }, 0);
    const missing = look(states, {}, 10);
    expect(missing).toMatchObject({ gone: [], waitMs: 2_000 });
    const back = look(missing.states, { a: file(2, START + 500) }, 600);
    expect(back).toMatchObject({ gone: [], settled: ['a'] });
    expect(look(missing.states, {}, 2_010)).toMatchObject({ gone: ['a'], waitMs: undefined });
  });

  it('lets it go at once when it is there under another name', () => {
    const { states } = look(new Map(), { a: file(1, 0) }, 0);
    expect(look(states, { b: file(1, 0) }, 10)).toMatchObject({ gone: ['a'], settled: ['b'] });
  });

  it('ends settled on exactly what is there, whatever happened before', () => {
    const step = fc.record({
      path: fc.constantFrom('a', 'b', 'c'),
      wait: fc.nat(300),
      ino: fc.nat(3),
      there: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const disk: Record<string, FileStat> = {};
        const counted = new Map<string, FileStat>();
        let states: ReadonlyMap<string, FileState> = new Map();
        let now = 0;
        const turn = () => {
          const result = look(states, disk, now);
          for (const path of result.settled) counted.set(path, disk[path]!);
          for (const path of result.gone) counted.delete(path);
          states = result.states;
          return result.waitMs;
        };
        for (const { path, wait, ino, there } of steps) {
          now += wait;
          if (there) disk[path] = file(ino, START + now, ino);
          else delete disk[path];
          turn();
        }
        let rounds = 0;
        for (let wait = turn(); wait !== undefined; wait = turn()) {
          now += wait;
          expect(++rounds).toBeLessThan(20);
        }
        expect(Object.fromEntries(counted)).toEqual(disk);
      }),
    );
  });
});
