import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from '../e2e/installation.ts';
import { HANGS_MS } from '../hangs.ts';

const SECRET = 's3cr3t-4711';
let place: Installation;
const pings: { path: string; body: string }[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (piece) => {
    body += piece;
  });
  request.on('end', () => {
    pings.push({ path: request.url!.replace(`/ping/${SECRET}`, ''), body });
    response.end('OK');
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  place = installation({
    'plugins/tick.ts': plugin('return 1;', `schedule: '@every 1h',`),
    'config/daruma.yaml': `web: false\nalerts: { deadman: { url: "http://127.0.0.1:${port}/ping/${SECRET}", every: 1s } }\n`,
  });
});
afterAll(async () => {
  await place.leave();
  server.close();
});

const paths = () => pings.map(({ path }) => path);
const pinged = (holds: () => boolean, withinMs = HANGS_MS) =>
  place.until(
    async () => holds(),
    (is) => is,
    withinMs,
  );

it('the guardian pings while the host turns, not while it is frozen, says why when it is lost, and shows the address to nobody', async () => {
  const { pid } = await place.start();
  await pinged(() => paths().filter((path) => path === '').length >= 2);
  expect(paths().slice(0, 2)).toEqual(['/start', '']);
  expect(pings[1]!.body).toContain('every loop turns');

  process.kill(pid, 'SIGSTOP');
  const before = pings.length;
  await pinged(() => paths().includes('/fail'));
  // The look at the last pulse of a host may come after it was frozen.
  expect(pings.slice(before).filter(({ path }) => path === '').length).toBeLessThanOrEqual(4);
  expect(pings.find(({ path }) => path === '/fail')!.body).toMatch(/gave no sign of life for \d+s/);

  const failed = paths().indexOf('/fail');
  await pinged(() => paths().slice(failed).includes('/start') && paths().at(-1) === '');
  const shown = await place.daruma('config', 'show');
  expect(shown.stdout).toContain('(hidden');
  const said = [place.said().stdout, place.said().stderr, shown.stdout, (await place.daruma('logs', '--json')).stdout];
  for (const text of said) expect(text).not.toContain(SECRET);
});
