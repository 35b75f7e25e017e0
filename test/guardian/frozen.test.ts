import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, isRunning, plugin } from '../e2e/installation.ts';

const ONCE = { 'plugins/once.ts': plugin('return 7;') };

let place: Installation;
afterEach(async () => {
  await place.leave();
});

it('replaces a host that stands still, though its process is there', async () => {
  place = installation(ONCE);
  const { pid } = await place.start();
  const frozenAt = Date.now();
  process.kill(pid, 'SIGSTOP');
  await place.until(
    async () => place.host(),
    (host) => host !== undefined && host.pid !== pid,
  );
  console.log(`host frozen: replaced after ${((Date.now() - frozenAt) / 1_000).toFixed(1)} s`);
  expect(isRunning(pid)).toBe(false);
  expect(place.said().stderr).toContain('gave no sign of life for');
  const ran = await place.until(
    () => place.daruma('run', 'once', '--wait', '--json'),
    ({ code }) => code === 0,
  );
  expect(ran.json).toMatchObject({ state: 'done' });
  expect(Date.now() - frozenAt).toBeLessThan(40_000);
});
