import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, z } from 'daruma';
import { ARCHIVE } from './lib/backups.ts';
import { farthestFirst, isAtWork, isInForce } from './lib/copies.ts';
import { duration, msOf, showBytes, showMany, showMs } from './lib/units.ts';

export default definePlugin({
  about:
    'Once a week, restores the newest backup into an empty folder and starts what is in it: from the farthest place that keeps copies.',
  schedule: '26 4 * * SUN',
  settings: z.strictObject({
    oldest: duration().default('26h').describe('The newest backup may be so old; an older one fails the drill.'),
  }),
  limits: { memory: '64MB', timeout: '12h', silence: '20m', attempts: 2, backoff: { first: '10m', longest: '10m' } },
  needs: { fleet: true, write: ['backups'] },
  async run({ settings, folder, fleet, send, job, summary }) {
    const { agents: today } = await fleet.report();
    const farther = farthestFirst(today);
    const still = farther.filter((one) => !isAtWork(one)).map(({ name, state }) => `${name}: ${state}`);
    const skipped = still.length === 0 ? '' : ` Nothing was fetched from ${still.join('; ')}.`;
    const copier = farther.find(isAtWork);
    if (copier) {
      const id = await send(copier.name, { drill: true }, { key: `restore-drill:${job.slot ?? job.id}` });
      summary(`The farthest copies are those of \`${copier.name}\`: ${id} restores the newest from there.${skipped}`);
      return { from: copier.name, job: id, restored: null };
    }
    const backups = join(folder, 'backups');
    const names = (await readdir(backups)).filter((name) => ARCHIVE.test(name)).sort();
    const name = names.at(-1);
    if (name === undefined) throw new Error('there is no backup to restore: daruma backup now');
    const { size: bytes, mtimeMs } = await stat(join(backups, name));
    const began = Date.now();
    const ageMs = Math.round(began - mtimeMs);
    if (ageMs > msOf(settings.oldest))
      throw new Error(`the newest backup, ${name}, is ${showMs(ageMs)} old: daruma jobs backup says why`);
    const { jobs, agents } = await fleet.proveBackup(join(backups, name));
    const tookMs = Date.now() - began;
    const missing = today.filter((one) => isInForce(one) && !agents.includes(one.name)).map(({ name }) => name);
    const lacks = missing.length === 0 ? '' : ` Agents of today that it has not: ${missing.join(', ')}.`;
    summary(
      `\`backups/${name}\` (${showBytes(bytes)}, ${showMs(ageMs)} old) was restored in ${showMs(tookMs)}: ` +
        `${showMany(jobs, 'job')}, ${showMany(agents.length, 'agent')} would start.${lacks}${skipped}`,
    );
    return { from: 'backups', restored: name, file: `backups/${name}`, ageMs, tookMs, jobs, agents, missing };
  },
});
