import { beforeEach, expect, it } from 'vitest';
import { createLive, type Live } from '../../src/web/live.ts';
import { Clock, quiet } from '../clock.ts';

let time: Clock;
let live: Live;
let isDown: boolean;
/** Streams of the host that are open, each with what sends an item on it. */
let upstream: Set<() => void>;
beforeEach(() => {
  time = new Clock();
  isDown = false;
  upstream = new Set();
  live = createLive({
    time,
    reader: { down: () => (isDown ? { pid: 1, lastSign: '' } : undefined) },
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
function follow() {
  const events: string[] = [];
  const reader = live.open().getReader();
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
  const pages = Array.from({ length: 32 }, follow);
  await quiet();
  expect(upstream.size).toBe(1);
  for (const send of upstream) send();
  await quiet();
  expect(pages.map(({ events }) => events)).toEqual(Array.from({ length: 32 }, () => ['beat false', 'change false']));
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
