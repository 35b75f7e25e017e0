import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPressing, type PressureMarks, type PressureSample, strainOf } from '../../../src/healing/pressure/strain.ts';

const MB = 1024 ** 2;
const LIMIT = 512 * MB;
const MARKS: PressureMarks = { memoryFree: 0.15, memoryStall: 5, ioStall: 60, cpuThrottled: 25 };

interface Figures {
  freeMb?: number;
  some?: number;
  full?: number;
  kills?: number;
  throttled?: number;
  diskFreeMb?: number;
}

/** A look each second, the last one at the end. */
function looks(figures: readonly Figures[]): PressureSample[] {
  return figures.map(({ freeMb = 400, some = 0, full = 0, kills = 0, throttled = 0, diskFreeMb = 50_000 }, second) => ({
    at: second * 1_000,
    reading: {
      memory: {
        bounds: [
          { of: 'machine', limitBytes: 24_000 * MB, usedBytes: 2_000 * MB },
          { of: 'cgroup', limitBytes: LIMIT, usedBytes: LIMIT - freeMb * MB },
        ],
        stalls: { some: { avg10: some, avg60: some }, full: { avg10: full, avg60: full } },
        oomKills: kills,
      },
      cpu: {
        ...{ cores: 1, stalls: null },
        // The quota of a cgroup above, which is never used up.
        quotas: [
          { periods: second * 10, throttled: second * throttled },
          { periods: second * 30, throttled: 0 },
        ],
      },
      io: { stalls: null },
    },
    disk: { freeBytes: diskFreeMb * MB, totalBytes: 100_000 * MB },
  }));
}

const times = (count: number, figures: Figures): Figures[] => Array.from({ length: count }, () => figures);
const memory = (figures: readonly Figures[]) => strainOf('memory', looks(figures), MARKS);

describe('memory', () => {
  it('is pressed when its level was too low at each look for ten seconds, is now, and does not recover', () => {
    expect(memory(times(10, { freeMb: 60 })).is).toBe('strained');
    expect(memory(times(11, { freeMb: 60 }))).toEqual({
      is: 'pressed',
      seen: '60 MB of 512 MB memory of the cgroup are free, 77 MB are to be',
    });
    expect(memory([...times(5, { freeMb: 60 }), { freeMb: 90 }, ...times(9, { freeMb: 60 })]).is).toBe('strained');
    expect(memory([...times(11, { freeMb: 60 }), { freeMb: 90 }]).is).toBe('strained');
    expect(memory([...times(11, { freeMb: 60 }), { freeMb: 75 }]).is).toBe('strained');
  });

  it('is critical after two seconds with a third of what is to be free', () => {
    expect(memory([...times(8, {}), ...times(2, { freeMb: 20 })]).is).toBe('strained');
    expect(memory([...times(8, {}), ...times(3, { freeMb: 20 })]).is).toBe('critical');
  });

  it('is pressed when some tasks wait for it, and critical when all of them do', () => {
    expect(memory(times(11, { some: 6 })).is).toBe('pressed');
    expect(memory(times(11, { some: 30, full: 6 })).is).toBe('critical');
    expect(memory([...times(10, { some: 12 }), { some: 6 }]).is).toBe('strained');
  });

  it('is critical when the kernel has killed, for five seconds', () => {
    expect(memory([...times(5, {}), { kills: 1 }])).toMatchObject({
      is: 'critical',
      seen: expect.stringContaining('the kernel killed 1 process'),
    });
    expect(memory([...times(5, {}), ...times(6, { kills: 1 })]).is).toBe('relieved');
  });

  it('is relieved only well above its mark', () => {
    expect(memory(times(20, { freeMb: 116 })).is).toBe('relieved');
    expect(memory(times(20, { freeMb: 110 })).is).toBe('strained');
  });

  it('of a large machine is to have 1 GB free, not a share of it', () => {
    const [sample] = looks([{}]);
    sample!.reading.memory.bounds = [{ of: 'machine', limitBytes: 64_000 * MB, usedBytes: 62_000 * MB }];
    expect(strainOf('memory', [sample!], MARKS).is).toBe('relieved');
  });
});

it('a quota is pressed while a quarter of its periods was used up, for a minute', () => {
  const of = (seconds: number, throttled: number) => strainOf('cpu', looks(times(seconds, { throttled })), MARKS).is;
  expect(of(30, 9)).not.toBe('pressed');
  expect(of(61, 9)).toBe('pressed');
  expect(of(61, 3)).toBe('pressed');
  expect(of(61, 2)).toBe('strained');
  expect(of(61, 0)).toBe('relieved');
});

it('the disk is pressed by its level', () => {
  expect(strainOf('disk', looks(times(11, { diskFreeMb: 900 })), MARKS).is).toBe('pressed');
  expect(strainOf('disk', looks(times(11, { diskFreeMb: 300 })), MARKS).is).toBe('critical');
  expect(strainOf('disk', looks(times(11, { diskFreeMb: 9_000 })), MARKS).is).toBe('relieved');
  const [sample] = looks(times(1, {}));
  expect(strainOf('disk', [{ ...sample!, disk: null }], MARKS)).toEqual({
    is: 'strained',
    seen: 'the disk of the store cannot be asked',
  });
});

it('nothing presses unless all three conditions hold', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 5, noNaN: true }),
      fc.double({ min: 0, max: 5, noNaN: true }),
      (long, now, before) => {
        const expected = long >= 1 && now >= 1 && now >= 0.85 * before;
        expect(isPressing({ long, now, before })).toBe(expected);
        if (isPressing({ long, now, before })) expect(isPressing({ long, now, before: undefined })).toBe(true);
      },
    ),
  );
});

it('a look is never pressed by what ended: with room now, whatever was before, memory is not pressed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 70 }), (levels) => {
      const { is } = memory([...levels.map((freeMb) => ({ freeMb })), { freeMb: 200 }]);
      expect(is).toBe('relieved');
    }),
  );
});

it('a look with less free is never judged milder, all else equal', () => {
  const order = ['relieved', 'strained', 'pressed', 'critical'];
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 70 }),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 500 }),
      (levels, a, b) => {
        const judged = (freeMb: number) =>
          order.indexOf(memory([...levels.map((free) => ({ freeMb: free })), { freeMb }]).is);
        expect(judged(Math.min(a, b))).toBeGreaterThanOrEqual(judged(Math.max(a, b)));
      },
    ),
  );
});
