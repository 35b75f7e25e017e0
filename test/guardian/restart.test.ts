import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTail } from '../../src/guardian/child.ts';
import { devLoader } from '../../src/guardian/loader.ts';
import { afterEnd, GOOD_RUN_MS, type HostExit, NO_HISTORY, type RestartHistory } from '../../src/guardian/restart.ts';
import { jsonLines } from '../../src/kernel/pulse.ts';

const killed: HostExit = { code: null, signal: 'SIGKILL', workedMs: 5_000, refused: undefined, asked: false };
const badConfig = { code: 'HOST_SETTINGS_INVALID', message: 'config/daruma.yaml:3:1 is wrong' };
const comesAfter = (history: RestartHistory, ended: Partial<HostExit>, chance = 0.5) =>
  afterEnd(history, { ...killed, ...ended }, chance, constants.signals);

describe('after the end of a host', () => {
  it('the next one comes after 0.2 s, then later and later up to 30 s, for ever, and soon again after a good run', () => {
    let history = NO_HISTORY;
    const pauses: number[] = [];
    for (let count = 0; count < 12; count++) {
      const next = comesAfter(history, {});
      if (next.do === 'end') throw new Error('it gave up');
      pauses.push(next.afterMs);
      history = next.history;
    }
    expect(pauses).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000, 30_000]);
    expect(comesAfter(history, { workedMs: GOOD_RUN_MS })).toMatchObject({ do: 'restart', afterMs: 200 });
  });

  it('nobody who was not asked to ends for good, once a host has worked', () => {
    const ends = fc.record({
      code: fc.constantFrom(null, 1, 2, 7, 134),
      signal: fc.constantFrom(null, 'SIGKILL', 'SIGSEGV', 'SIGABRT'),
      workedMs: fc.option(fc.nat(1e6), { nil: undefined }),
      refused: fc.constantFrom(undefined, badConfig, { code: 'DISK_FULL', message: 'full' }),
    });
    fc.assert(
      fc.property(fc.array(ends, { maxLength: 40 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (list, chance) => {
        let history: RestartHistory = { ...NO_HISTORY, everReady: true };
        for (const ended of list) {
          const next = comesAfter(history, ended, chance);
          if (next.do === 'end') return false;
          if (next.afterMs > 30_000 * 1.25) return false;
          history = next.history;
        }
        return true;
      }),
    );
  });

  it('the guardian ends when the host did as it was asked, with its exit code', () => {
    expect(comesAfter(NO_HISTORY, { code: 0, signal: null })).toEqual({ do: 'end', code: 0 });
    expect(comesAfter(NO_HISTORY, { asked: true, code: 1, signal: null })).toEqual({ do: 'end', code: 1 });
    expect(comesAfter(NO_HISTORY, { asked: true })).toEqual({ do: 'end', code: 137 });
    expect(comesAfter(NO_HISTORY, { asked: true, signal: 'SIGTERM' })).toEqual({ do: 'end', code: 0 });
    expect(comesAfter(NO_HISTORY, { asked: true, code: 143, signal: null })).toEqual({ do: 'end', code: 0 });
  });

  it('a host that ended in order by a signal which did not come from its guardian is replaced', () => {
    expect(comesAfter(NO_HISTORY, { code: 143, signal: null })).toMatchObject({ do: 'restart', afterMs: 200 });
  });

  it('none takes the place of a host that says it is final: its store or its folder is gone', () => {
    const final = { code: 'STORE_REMOVED', message: 'the store was removed' };
    for (const history of [NO_HISTORY, { ...NO_HISTORY, everReady: true }])
      expect(comesAfter(history, { code: 78, signal: null, final })).toEqual({ do: 'end', code: 78 });
  });

  it('a reason that a person has to mend ends the first start, and is waited out later', () => {
    const refusal = { code: 1, signal: null, workedMs: undefined, refused: badConfig };
    expect(comesAfter(NO_HISTORY, refusal)).toEqual({ do: 'end', code: 1 });
    expect(comesAfter({ ...NO_HISTORY, everReady: true }, refusal)).toMatchObject({ do: 'restart' });
    // Without a reason it is a fault of ours, and another start may do better.
    expect(comesAfter(NO_HISTORY, { ...refusal, refused: undefined })).toMatchObject({ do: 'restart' });
  });

  it("another one's host is left alone; its own that is not quite gone is waited for", () => {
    const refusal = (pid: number) => ({
      code: 1,
      signal: null,
      refused: { code: 'HOST_RUNNING', message: 'a host already runs', data: { pid } },
    });
    const history = { everReady: true, short: 0, pids: [71, 72] };
    expect(comesAfter(history, refusal(99))).toEqual({ do: 'end', code: 1 });
    expect(comesAfter(history, refusal(72))).toMatchObject({ do: 'restart' });
  });
});

describe('last words', () => {
  it('are the end of what was said, from the beginning of a line', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 30 }), { maxLength: 60 }), (lines) => {
        const tail = createTail(100);
        const whole = lines.map((line) => `${line.replaceAll('\n', ' ')}\n`);
        for (const line of whole) tail.add(Buffer.from(line));
        const all = whole.join('');
        expect(all.endsWith(tail.text())).toBe(true);
        expect(Buffer.byteLength(tail.text())).toBeLessThanOrEqual(100);
        if (Buffer.byteLength(all) <= 100) expect(tail.text()).toBe(all);
      }),
    );
  });

  it('are read line by line, in whatever pieces they come', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 10 }), fc.integer({ min: 1, max: 7 }), (values, size) => {
        const received: unknown[] = [];
        const read = jsonLines((line) => received.push(line));
        const text = values.map((value) => `${JSON.stringify({ value })}\n`).join('not json\n');
        for (let at = 0; at < text.length; at += size) read(text.slice(at, at + size));
        expect(received).toEqual(values.map((value) => JSON.parse(JSON.stringify({ value }))));
      }),
    );
  });
});

describe('a loader for development', () => {
  const main = 'file:///srv/node_modules/daruma/dist/main.js';
  it.each([
    ['sources', 'file:///work/daruma/src/main.ts', [], ''],
    ['tsx as a flag', main, ['--import', 'tsx'], ''],
    ['tsx by its file', main, ['--require', '/srv/node_modules/tsx/dist/preflight.cjs'], ''],
    ['ts-node in NODE_OPTIONS', main, [], '--max-old-space-size=100 --loader ts-node/esm'],
    ['swc', main, ['--import=@swc-node/register/esm-register'], ''],
    ['a watcher', main, ['--watch'], ''],
  ])('is seen: %s', (_name, file, flags, options) => {
    expect(devLoader(file, flags as string[], options)).toBeTruthy();
  });
  it('is not seen in what production uses', () => {
    const flags = ['--import', '@opentelemetry/auto-instrumentations-node/register', '--max-old-space-size=200'];
    expect(devLoader(main, flags, '--enable-source-maps -r dotenv/config')).toBeUndefined();
    expect(devLoader(main, ['--import', '/home/tsx-fan/hook.mjs'], undefined)).toBeUndefined();
  });
});
