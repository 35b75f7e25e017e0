import { readdir, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { definePlugin, z } from 'daruma';
import { type LogFile, planCleanup } from './lib/log-files.ts';
import { bytesOf, showBytes, showMany, size } from './lib/units.ts';

export default definePlugin({
  about: 'Keeps logs/ within a number of bytes and days: the oldest rotated files go first, an open one never.',
  schedule: '0 6 * * *',
  settings: z.strictObject({
    budget: size().default('2GB').describe('What all log files together may take.'),
    keepDays: z.number().positive().default(30).describe('Rotated files that are older go in any case.'),
  }),
  limits: { memory: '64MB', timeout: '5m', silence: '1m', attempts: 3 },
  needs: { write: ['logs'] },
  async run({ settings, folder, beat, log, summary }) {
    const logs = join(folder, 'logs');
    const files = await listFiles(logs);
    const budget = bytesOf(settings.budget);
    const plan = planCleanup(files, { budget, keepMs: settings.keepDays * 86_400_000, now: Date.now() });
    const gone: LogFile[] = [];
    const stuck: string[] = [];
    for (const file of plan) {
      beat(file.path);
      // One file that cannot go must not keep the others.
      await rm(join(logs, file.path), { force: true }).then(
        () => gone.push(file),
        (error: Error) => stuck.push(error.message),
      );
    }
    const freedBytes = total(gone);
    const leftBytes = total(files) - freedBytes;
    summary(`Deleted ${showMany(gone.length, 'file')} (${showBytes(freedBytes)}), ${showBytes(leftBytes)} left.`);
    if (stuck.length > 0)
      throw new Error(`${showMany(stuck.length, 'file')} could not be deleted: ${stuck.join('; ')}`);
    if (leftBytes > budget)
      log.warn(`logs/ holds ${showBytes(leftBytes)} in open files alone, more than its ${settings.budget}`);
    return { deleted: gone.length, freedBytes, leftBytes };
  },
});

const total = (files: LogFile[]): number => files.reduce((sum, file) => sum + file.bytes, 0);

async function listFiles(folder: string): Promise<LogFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries
    // Files of the host itself: a copy that is being compressed, and the reserve for a full disk.
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp') && !entry.name.startsWith('.'))
    .map(async (entry): Promise<LogFile[]> => {
      const place = join(entry.parentPath, entry.name);
      const facts = await stat(place).catch(() => undefined);
      if (!facts) return []; // gone since the list was read: the host rotates on its own
      const path = relative(folder, place).split(sep).join('/');
      return [{ path, bytes: facts.size, writtenAt: facts.mtimeMs }];
    });
  return (await Promise.all(found)).flat();
}
