import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { waitsForDevice } from '../../src/kernel/proc.ts';
import { NO_DISK } from '../e2e/disk.ts';
import { freezableDisk } from '../e2e/frozen-disk.ts';
import { installation, plugin } from '../e2e/installation.ts';

const GATED = {
  'gate/closed': '',
  'plugins/gated.ts': plugin(
    `const { existsSync } = await import('node:fs');
  while (existsSync(context.folder + '/gate/closed')) await new Promise((r) => setTimeout(r, 10));
  return context.job.attempt;`,
    `needs: { read: ['gate'] },`,
  ),
};

it('keeps a host whose disk stands still: what ran before runs on, and ends in its first attempt', async (context) => {
  const disk = freezableDisk(64 * 1024 ** 2) ?? context.skip(NO_DISK);
  context.onTestFinished(() => disk.remove());
  const place = installation(GATED, disk.path);
  context.onTestFinished(() => {
    disk.thaw();
    return place.leave();
  });
  const { pid } = await place.start();
  const { id } = (await place.daruma('run', 'gated', '--json')).json;
  const job = async () => (await place.daruma('jobs', id, '--json')).json;
  await place.until(job, ({ state }) => state === 'running');
  expect(waitsForDevice(pid)).toBe(false);

  disk.freeze();
  const said = async () => place.said().stderr;
  await place.until(said, (text) => text.includes('its disk does not answer, and a new host would wait as well'));
  expect(waitsForDevice(pid)).toBe(true);

  disk.thaw();
  await place.until(said, (text) => /the disk of the host \(pid \d+\) answers again, after \d/.test(text));
  rmSync(join(place.folder, 'gate/closed'));
  expect(await place.until(job, ({ state }) => state === 'done')).toMatchObject({ result: 1 });
  expect(place.host()).toEqual({ pid });
});
