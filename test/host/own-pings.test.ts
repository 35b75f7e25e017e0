import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createOwnPings } from '../../src/host/lifecycle/own-pings.ts';
import { Clock } from '../clock.ts';

const MINUTE = 60_000;
const closes: (() => void)[] = [];
afterEach(() => {
  for (const close of closes.splice(0)) close();
});

/** An address outside, and the pings of a host without a guardian. */
async function world() {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url!);
    request.resume();
    response.statusCode = world.status;
    response.end('OK');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => server.close().closeAllConnections());
  const clock = new Clock();
  const said: string[] = [];
  const pings = createOwnPings({ time: clock, say: (text) => void said.push(text) });
  const { port } = server.address() as AddressInfo;
  const terms = { url: `http://127.0.0.1:${port}/ping/s3cr3t`, everyMs: MINUTE };
  const world = { status: 200 };
  return {
    ...{ clock, said, pings, terms, world },
    /** Looks each second, and waits for what was sent. */
    async live(ms: number, host: Partial<Parameters<typeof pings.look>[0]> = {}) {
      for (let left = ms; left > 0; left -= 1_000) {
        pings.look({ ages: { jobs: 100 }, isReady: true, hasGuardian: false, ...host });
        clock.wall += 1_000;
      }
      await pings.stop();
      return paths.splice(0).map((path) => path.replace('/ping/s3cr3t', ''));
    },
  };
}

it('a host without a guardian pings for itself, once in each stretch, while it is ready and every loop turns', async () => {
  const at = await world();
  expect(await at.live(2 * MINUTE)).toEqual([]);
  at.pings.use(at.terms);
  expect((await at.live(3 * MINUTE)).sort()).toEqual(['', '', '', '/start']);
  expect(await at.live(2 * MINUTE, { ages: { jobs: 10 * MINUTE } })).toEqual([]);
  expect(await at.live(2 * MINUTE, { isReady: false })).toEqual([]);
  expect(await at.live(2 * MINUTE, { hasGuardian: true })).toEqual([]);
  expect(await at.live(MINUTE)).toEqual(['']);
});

it('settings that say the same begin nothing anew; others do, and none end it', async () => {
  const at = await world();
  at.pings.use(at.terms);
  await at.live(1_000);
  at.pings.use({ ...at.terms });
  expect(await at.live(30_000)).toEqual([]);
  at.pings.use({ ...at.terms, everyMs: 10 * MINUTE });
  expect((await at.live(5 * MINUTE)).sort()).toEqual(['', '/start']);
  at.pings.use(null);
  expect(await at.live(20 * MINUTE)).toEqual([]);
});

it('an address that is not reached is told once, without its path, and is asked again each ten seconds', async () => {
  const at = await world();
  at.world.status = 500;
  at.pings.use(at.terms);
  await at.live(1_000);
  expect(at.said).toEqual(['the dead man is not reached: it answered 500']);
  expect(await at.live(12_000)).toEqual(['']);
  at.world.status = 200;
  expect(await at.live(12_000)).toEqual(['']);
  expect(at.said).toEqual(['the dead man is not reached: it answered 500', 'the dead man is reached again']);
});
