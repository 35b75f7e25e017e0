import { expect, it } from 'vitest';
import { createWaiters } from '../../src/jobs/waiters.ts';

it('tells everybody who waits for a job that it has ended, and nobody else', async () => {
  const waiters = createWaiters();
  const [one, two, other] = [waiters.join('a'), waiters.join('a'), waiters.join('b')];
  waiters.release('a');
  await Promise.all([one.ended, two.ended]);
  expect(waiters.size()).toBe(1);
  other.leave();
  expect(waiters.size()).toBe(0);
});

it('keeps nothing of those who leave before the job ends, were told, or whose signal was aborted', async () => {
  const waiters = createWaiters();
  const stop = new AbortController();
  const left = waiters.join('a');
  left.leave();
  const aborted = waiters.join('b', stop.signal);
  stop.abort(new Error('gone'));
  await expect(aborted.ended).rejects.toThrow('gone');
  aborted.leave();
  const told = waiters.join('c');
  waiters.release('c');
  await told.ended;
  told.leave();
  expect(waiters.size()).toBe(0);
});

it('lets one leave without disturbing the others', async () => {
  const waiters = createWaiters();
  const [first, second] = [waiters.join('a'), waiters.join('a')];
  first.leave();
  waiters.release('a');
  await second.ended;
});
