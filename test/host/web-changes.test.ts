import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import { changedOp, waitBeforeChange } from '../../src/host/web/changes.ts';
import { Clock, quiet } from '../clock.ts';

let time: Clock;
/** Says that a row of the store has changed. */
let change: () => void;
/** The moments at which pages were told of a change, in ms since the clock began. */
let said: number[];
let leave: AbortController;
beforeEach(() => {
  time = new Clock();
  said = [];
  leave = new AbortController();
  const from = time.now();
  const never = () => () => {};
  const store = {
    changes: (call: () => void) => {
      change = call;
      return () => {
        change = () => {};
      };
    },
    pauseChanges: never,
    healingChanges: never,
  };
  const stream = { role: 'reader' as const, item: () => said.push(time.now() - from) > 0, gone: leave.signal };
  void changedOp({ time, store, events: { listen: never } }, never)({}, stream);
});

it('tells pages of the changes of each second, between the slots of two seconds', async () => {
  await time.pass(8);
  for (let second = 0; second < 5; second++) {
    for (const ms of [0, 10, 20]) {
      change();
      await time.pass(ms);
    }
    await time.pass(970);
  }
  expect(said).toEqual([108, 1_108, 2_108, 3_108, 4_108]);
});

it('tells of a change that comes soon after another, and of none when its client has left', async () => {
  change();
  await time.pass(150);
  change();
  await time.pass(2_000);
  expect(said).toEqual([100, 1_100]);
  change();
  leave.abort();
  await quiet();
  await time.pass(2_000);
  expect([said.length, time.timers()]).toEqual([2, 0]);
});

it('waits for a second at most, and never tells within 100 ms of a whole second', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.nat(10_000), (now, sinceLastMs) => {
      const wait = waitBeforeChange(now, sinceLastMs);
      expect((now + wait) % 1_000).toBeGreaterThanOrEqual(100);
      expect(wait).toBeLessThanOrEqual(1_000);
      expect(wait + sinceLastMs).toBeGreaterThanOrEqual(900);
    }),
  );
});
