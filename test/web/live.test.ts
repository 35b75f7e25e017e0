import { beforeEach, expect, it } from 'vitest';
import type { LogLine } from '../../src/control/protocol.ts';
import { createLive, type Live } from '../../src/web/live.ts';
import { Clock, quiet } from '../clock.ts';

let time: Clock;
let live: Live;
let isDown: boolean;
/** How often answers of before a change were forgotten. */
let forgotten: number;
/** Streams of the host that are open, each with what sends an item on it. */
let upstream: Set<() => void>;
/** Pages that follow the log, each with what tells it of a line. */
let followers: Set<(line: LogLine) => void>;
beforeEach(() => {
  time = new Clock();
  isDown = false;
  forgotten = 0;
  upstream = new Set();
  followers = new Set();
  live = createLive({
    time,
    tail: {
      follow(isWanted, call) {
        const tell = (line: LogLine) => isWanted(line) && call();
        followers.add(tell);
        return () => followers.delete(tell);
      },
    },
    reader: { forget: () => (forgotten += 1), down: () => (isDown ? { pid: 1, lastSign: '' } : undefined) },
    link: {
      ask: (_op, _args, { onItem, signal }) =>
        new Promise((_, reject) => {
          const send = () => onItem?.({ at: '' } as never);
          upstream.add(send);
          signal?.addEventListener('abort', () => {
            upstream.delete(send);
            reject(signal.reason);
          });
        }),
    },
  });
});

/** Reads a stream to its end; `events` fills as they come. */
function follow(isWanted?: (line: LogLine) => boolean) {
  const events: string[] = [];
  const reader = live.open(isWanted).getReader();
  const over = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      events.push(
        ...[
          ...Buffer.from(value)
            .toString()
            .matchAll(/event: (\w+)\ndata: (.*)/g),
        ].map(([, is, data]) => `${is} ${JSON.parse(data!).down}`),
      );
    }
  })();
  return { events, over, leave: () => reader.cancel() };
}

it('beats each five seconds, and says whether the host answers', async () => {
  const page = follow();
  await time.pass(11_000);
  isDown = true;
  await time.pass(5_000);
  expect(page.events).toEqual(['beat false', 'beat false', 'beat false', 'beat true']);
  await page.leave();
});

it('hangs all pages on one stream of the host, which ends with the last of them', async () => {
  const pages = Array.from({ length: 32 }, () => follow());
  await quiet();
  expect(upstream.size).toBe(1);
  for (const send of upstream) send();
  expect(forgotten).toBe(1);
  await quiet();
  expect(pages.filter(({ events }) => events.length === 2)).toHaveLength(4);
  for (const send of upstream) send();
  await time.pass(1_600);
  const told = pages.map(({ events }) => events.filter((event) => event === 'change false').length);
  // The second change came while the first was told: those that had heard of it heard again, once.
  expect([told.slice(0, 4), told.slice(4)]).toEqual([Array(4).fill(2), Array(28).fill(1)]);
  expect(() => live.open()).toThrow(expect.objectContaining({ code: 'STREAMS_FULL' }));
  for (const page of pages) await page.leave();
  await quiet();
  expect([live.count(), upstream.size, time.timers()]).toEqual([0, 0, 0]);
  follow();
  await quiet();
  expect(upstream.size).toBe(1);
});

it('ends a stream after ten minutes, and one that nobody reads', async () => {
  const page = follow();
  live.open();
  await time.pass(330_000);
  expect(live.count()).toBe(1);
  await time.pass(270_000);
  await page.over;
  expect([live.count(), upstream.size, time.timers()]).toEqual([0, 0, 0]);
  expect(page.events.length).toBeGreaterThanOrEqual(119);
});

it('tells a page of the lines of the log that it follows, and no other page', async () => {
  const [errors, none] = [follow(({ level }) => level === 'error'), follow()];
  const write = (level: LogLine['level']) => {
    for (const tell of followers) tell({ time: '', msg: '', level });
  };
  write('info');
  write('error');
  await quiet();
  expect([errors.events, none.events]).toEqual([['beat false', 'line false'], ['beat false']]);
  expect(forgotten).toBe(1);
  await errors.leave();
  expect(followers.size).toBe(0);
  await none.leave();
});
