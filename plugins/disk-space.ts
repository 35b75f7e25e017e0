import { statfs } from 'node:fs/promises';
import { definePlugin, z } from 'daruma';
import { showBytes, showShare } from './lib/units.ts';

const path = z.string().startsWith('/', 'must be an absolute path');

export default definePlugin({
  about: 'Fails when a disk is nearly full.',
  schedule: '4-59/10 * * * *',
  firstRun: true,
  settings: z.strictObject({
    path: z
      .union([path, z.array(path).min(1)])
      .default('/')
      .describe('A path on the disk to look at, or several.'),
    minFree: z.number().min(0).max(1).default(0.1).describe('The least share that must be free, 0 … 1.'),
  }),
  limits: { memory: '64MB', timeout: '10s', silence: '10s', attempts: 3 },
  needs: { read: ['/'] },
  async run({ settings }) {
    const disks = await Promise.all([settings.path].flat().map(look));
    const full = disks.filter((disk) => disk.free < settings.minFree || disk.freeFiles < settings.minFree);
    if (full.length > 0) throw new Error(full.map((disk) => complain(disk, settings.minFree)).join('; '));
    const fullest = disks.reduce((a, b) => (b.free < a.free ? b : a));
    return { free: fullest.free, freeBytes: fullest.freeBytes, path: fullest.path };
  },
});

async function look(path: string) {
  const { bavail, blocks, bsize, ffree, files } = await statfs(path);
  // Some file systems have neither a fixed number of files nor, like /proc, any blocks: they cannot fill up.
  const free = blocks > 0 ? bavail / blocks : 1;
  const freeFiles = files > 0 ? ffree / files : 1;
  return { path, free, freeBytes: bavail * bsize, bytes: blocks * bsize, freeFiles };
}

function complain(disk: Awaited<ReturnType<typeof look>>, minFree: number): string {
  const wanted = `want at least ${showShare(minFree)}`;
  if (disk.free >= minFree)
    return `${disk.path} is nearly out of files: ${showShare(disk.freeFiles)} are free, ${wanted}`;
  const left = `${showBytes(disk.freeBytes)} of ${showBytes(disk.bytes)} are free (${showShare(disk.free)})`;
  return `${disk.path} is nearly full: ${left}, ${wanted}`;
}
