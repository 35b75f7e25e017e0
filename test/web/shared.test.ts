import { beforeEach, expect, it } from 'vitest';
import { acceptedAgeMs, createSharedAnswers, type SharedAnswers } from '../../src/web/shared.ts';
import { Clock } from '../clock.ts';

let time: Clock;
let shared: SharedAnswers<number>;
/** Answers that were begun; each resolves with its number. */
let begun: number;
beforeEach(() => {
  time = new Clock();
  begun = 0;
  shared = createSharedAnswers(time, 2);
});

const ask = (maxAgeMs: number, key = 'status') => shared.of(key, maxAgeMs, async () => ++begun);

it('gives a finished answer to requests that accept its age, and to no other', async () => {
  expect(await ask(1_000)).toBe(1);
  await time.pass(900);
  expect([await ask(1_000), await ask(901), await ask(900)]).toEqual([1, 1, 2]);
});

it('keeps no answer for longer than a second, whatever age a request accepts', async () => {
  expect(await ask(60_000)).toBe(1);
  await time.pass(1_000);
  expect(await ask(60_000)).toBe(2);
});

it('counts the age from the time at which the answer began', async () => {
  const slow = Promise.withResolvers<number>();
  const first = shared.of('status', 1_000, () => slow.promise);
  await time.pass(700);
  slow.resolve(7);
  expect([await first, await ask(1_000)]).toEqual([7, 7]);
  await time.pass(300);
  expect(await ask(1_000)).toBe(1);
});

it('keeps no answer that only requests without an age have asked for', async () => {
  expect(await Promise.all([ask(0), ask(0)])).toEqual([1, 1]);
  expect(await ask(1_000)).toBe(2);
});

it('shares nothing that began before a change, not even what is under way', async () => {
  const slow = Promise.withResolvers<number>();
  const before = shared.of('status', 1_000, () => slow.promise);
  shared.forget();
  expect(await ask(1_000)).toBe(1);
  slow.resolve(0);
  expect([await before, await ask(1_000)]).toEqual([0, 1]);
});

it('gives a failure to the requests that wait for it, and asks anew for the next', async () => {
  const fail = () => shared.of('status', 1_000, () => Promise.reject(new Error('gone')));
  const both = await Promise.allSettled([fail(), ask(1_000)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await ask(1_000)).toBe(1);
});

it('keeps so many answers, the newest', async () => {
  for (const key of ['a', 'b', 'c']) await ask(1_000, key);
  expect([await ask(1_000, 'c'), await ask(1_000, 'b'), await ask(1_000, 'a')]).toEqual([3, 2, 4]);
});

it('reads the age that a request accepts', () => {
  expect(
    ['max-age=1', 'no-transform, Max-Age=2', 'max-age=0', 'no-cache', 'x-max-age=5', 'max-age=-1', undefined].map(
      acceptedAgeMs,
    ),
  ).toEqual([1_000, 2_000, 0, 0, 0, 0, 0]);
});
