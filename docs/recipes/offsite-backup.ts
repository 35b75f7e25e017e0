import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Brings the backups to another machine.',
  schedule: '30 2 * * *', // half an hour after `backup`
  settings: z.strictObject({
    to: z.string().default('backups@nas.example:ops/').describe('Where rsync puts them.'),
    oldest: z.number().default(26).describe('Hours that the newest backup may be old.'),
  }),
  limits: { memory: '64MB', timeout: '1h', silence: '1h', attempts: 3 },
  // The command sees what the agent may see: the archives, and the key of ssh. Its network is that of the host named here.
  needs: { exec: ['rsync'], read: ['backups', '/home/ops/.ssh'], net: ['nas.example:22'] },
  async run({ settings, folder, exec, summary }) {
    const backups = join(folder, 'backups');
    const archives = (await readdir(backups)).filter((file) => /^daruma-.*\.tar\.(gz|zst)$/.test(file)).sort();
    const newest = archives.at(-1);
    if (!newest) throw new Error('there is no backup: daruma backup now');
    const hours = (Date.now() - (await stat(join(backups, newest))).mtimeMs) / 3_600_000;
    if (hours > settings.oldest) throw new Error(`the newest backup, ${newest}, is ${Math.round(hours)} hours old`);

    await exec('rsync', ['--archive', '--ignore-existing', `${backups}/`, settings.to]);
    summary(`${archives.length} archives, the newest ${newest}`);
    return { newest, archives: archives.length };
  },
});
