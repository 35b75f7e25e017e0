import { afterEach, describe, expect, it } from 'vitest';
import { createLoop, type Loop } from '../../src/kernel/loop.ts';
import { Clock, quiet } from '../clock.ts';

describe('a loop', () => {
  const clock = new Clock();
  let loop: Loop;
  let turns: number;
  let failures: unknown[];
  let hold: PromiseWithResolvers<void> | undefined;

  function make(terms: { firstMs?: number } = {}) {
    turns = 0;
    failures = [];
    hold = undefined;
    loop = createLoop(
      { time: clock, failed: (error) => failures.push(error) },
      {
        everyMs: 1_000,
        ...terms,
        async turn() {
          turns += 1;
          await hold?.promise;
        },
      },
    );
  }
  afterEach(async () => {
    hold?.resolve();
    await loop.stop();
    expect(clock.timers()).toBe(0);
  });

  it('turns at its start and then at each distance; a second start and stop change nothing', async () => {
    make();
    await loop.start();
    await loop.start();
    await quiet();
    expect(turns).toBe(1);
    await clock.pass(3_000);
    expect(turns).toBe(4);
    await loop.stop();
    await loop.stop();
    await clock.pass(9_000);
    expect([turns, loop.alive()]).toEqual([4, undefined]);
  });

  it('may begin later', async () => {
    make({ firstMs: 300 });
    await loop.start();
    await clock.pass(299);
    expect(turns).toBe(0);
    await clock.pass(1);
    expect(turns).toBe(1);
  });

  it('never turns twice at once: what is asked for meanwhile comes as soon as the turn has ended', async () => {
    make();
    hold = Promise.withResolvers();
    await loop.start();
    loop.soon();
    loop.soon();
    await clock.pass(5_000);
    expect(turns).toBe(1);
    const { resolve } = hold;
    hold = undefined;
    resolve();
    await quiet();
    expect(turns).toBe(2);
    loop.soon();
    expect(turns).toBe(3);
    await clock.pass(1_000);
    expect(turns).toBe(4);
  });

  it('is seen to hang in a turn, and to be alive after a turn that threw', async () => {
    make();
    hold = Promise.withResolvers();
    await loop.start();
    const began = loop.alive();
    await clock.pass(9_000);
    expect(loop.alive()).toBe(began);
    hold.reject(new Error('no'));
    await quiet();
    expect(loop.alive()).toBe(began! + 9_000);
    expect(failures).toEqual([new Error('no')]);
    hold = undefined;
    await clock.pass(1_000);
    expect(turns).toBe(2);
  });

  it('is stopped when its turn has ended, and started again only then', async () => {
    make();
    hold = Promise.withResolvers();
    await loop.start();
    let isStopped = false;
    const stopped = loop.stop().then(() => {
      isStopped = true;
    });
    await loop.start();
    await quiet();
    expect([turns, isStopped]).toEqual([1, false]);
    const { resolve } = hold;
    hold = undefined;
    resolve();
    await stopped;
    await quiet();
    expect(turns).toBe(2);
    await clock.pass(1_000);
    expect(turns).toBe(3);
  });
});
