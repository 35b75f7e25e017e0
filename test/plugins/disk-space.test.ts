import { statfsSync } from 'node:fs';
import { expect, it } from 'vitest';
import diskSpace from '../../plugins/disk-space.ts';
import { runPlugin } from './context.ts';

it('tells how much of the disk is free', async () => {
  const { result } = await runPlugin(diskSpace, { settings: { minFree: 0 } });
  const { bavail, blocks, bsize } = statfsSync('/');
  expect(result.path).toBe('/');
  expect(result.free).toBeCloseTo(bavail / blocks, 1);
  expect(result.freeBytes / (bavail * bsize)).toBeCloseTo(1, 1);
});

it('fails with the figures when less is free than wanted', async () => {
  const run = runPlugin(diskSpace, { settings: { path: '/', minFree: 1 } });
  await expect(run).rejects.toThrow(
    /^\/ is nearly full: [\d.]+ .B of [\d.]+ .B are free \([\d.]+ %\), want at least 100 %$/,
  );
});

it('looks at several disks and answers with the fullest', async () => {
  const { result } = await runPlugin(diskSpace, { settings: { path: ['/proc', '/'], minFree: 0 } });
  expect(result.path).toBe('/');
});

it('names a path that is not there', async () => {
  await expect(runPlugin(diskSpace, { settings: { path: '/no/such/disk' } })).rejects.toThrow('/no/such/disk');
});
