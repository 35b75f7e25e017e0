import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkMount, type MountPaths } from '../../../src/host/mounts/check.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-mount-')));
});
afterEach(() => rmSync(folder, { recursive: true }));

const answerOf = (paths: MountPaths) => new Promise<void>((resolve) => void checkMount(paths, resolve));

it('makes the folders that may be written, and takes any answer for one', async () => {
  await answerOf({ read: [join(folder, 'not there')], write: [join(folder, '-p/deep'), join(folder, 'out')] });
  expect(statSync(join(folder, '-p/deep')).isDirectory()).toBe(true);
  expect(statSync(join(folder, 'out')).isDirectory()).toBe(true);
});

it('is answered with more paths than a command line may have: the host outlives them', async () => {
  const long = Array.from({ length: 5_000 }, (_, index) => join(folder, `${index}${'/x'.repeat(450)}`));
  await answerOf({ read: long, write: [] });
  await answerOf({ read: long, write: [join(folder, 'out')] });
  expect(statSync(join(folder, 'out')).isDirectory()).toBe(true);
});
