import { beforeEach, expect, it } from 'vitest';
import { createRequestQueue, type RequestQueue } from '../../src/web/request-queue.ts';
import { Clock, quiet } from '../clock.ts';

let time: Clock;
let requests: RequestQueue;
/** What became of the requests, in the order in which it did. */
let said: string[];
beforeEach(() => {
  time = new Clock();
  requests = createRequestQueue(time, { atOnce: 2, waiting: 3, withinMs: 5_000 });
  said = [];
});

/** Sends a request; the call ends its turn. */
function send(name: string) {
  const leave = requests.enter().then((end) => {
    said.push(`${name} ${end ? 'has its turn' : 'is refused'}`);
    return end;
  });
  return async () => {
    (await leave)?.();
    await quiet();
  };
}

it('lets requests beyond the bound wait for their turn, the first that came first', async () => {
  const [a, b, c] = ['a', 'b', 'c', 'd'].map(send);
  await quiet();
  expect(said).toEqual(['a has its turn', 'b has its turn']);
  await b!();
  await b!();
  expect(said.slice(2)).toEqual(['c has its turn']);
  await a!();
  await c!();
  expect(said.slice(3)).toEqual(['d has its turn']);
  expect(time.timers()).toBe(0);
});

it('refuses a request at once when so many wait, and each that has waited too long', async () => {
  const [a, b] = ['a', 'b', 'c', 'd', 'e', 'f'].map(send);
  await quiet();
  expect(said.slice(2)).toEqual(['f is refused']);
  await time.pass(4_999);
  await a!();
  await time.pass(1);
  expect(said.slice(3)).toEqual(['c has its turn', 'd is refused', 'e is refused']);
  await b!();
  send('g');
  await quiet();
  expect(said.slice(6)).toEqual(['g has its turn']);
});
