import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NO_DISK } from './disk.ts';
import { freezableDisk } from './frozen-disk.ts';
import { installation, plugin } from './installation.ts';

it('a disk that an agent writes and that does not answer holds that agent alone; its job goes on when the disk does', async (context) => {
  const disk = freezableDisk(64 * 1024 ** 2) ?? context.skip(NO_DISK);
  context.onTestFinished(() => disk.remove());
  const out = join(disk.path, 'out');
  const place = installation({
    'plugins/far.ts': plugin(
      `const { writeFileSync } = await import('node:fs');
  for (;;) {
    writeFileSync('${out}/beat', String(Date.now()));
    if (context.job.attempt > 1) return 'written';
    await new Promise((r) => setTimeout(r, 10));
  }`,
      `needs: { write: ['${out}'] }, limits: { timeout: '3s' },`,
    ),
    'plugins/tick.ts': plugin('return context.job.slot;', `schedule: '* * * * * *',`),
  });
  context.onTestFinished(() => {
    disk.thaw();
    return place.leave();
  });
  const { pid } = await place.start();
  const { id } = (await place.daruma('run', 'far', '--json')).json;
  const job = async () => (await place.daruma('jobs', id, '--json')).json;
  await place.until(job, ({ state }) => state === 'running');

  disk.freeze();
  const agentNow = async (name: string) =>
    (await place.daruma('status', '--json')).json.agents.find((agent: { name: string }) => agent.name === name);
  const silent = await place.until(
    () => agentNow('far'),
    ({ problem }) => problem?.code === 'DISK_SILENT',
  );
  expect(silent.problem.message).toBe(
    `the file system at ${disk.path} (ext4), which far names in needs, does not answer`,
  );
  await place.until(job, ({ state }) => state === 'retrying');
  // The worker that was killed stays in the kernel; the host and all other agents do not wait with it.
  const newest = async () => (await place.daruma('jobs', 'tick', '--state', 'done', '--json')).json[0].id;
  const before = await newest();
  await place.until(newest, (now) => now !== before);

  disk.thaw();
  expect(await place.until(job, ({ state }) => state === 'done')).toMatchObject({ result: 'written', attempt: 2 });
  expect(place.host()).toEqual({ pid });
});

it('a host is stopped in order while a killed worker of it stands in the kernel', async (context) => {
  const disk = freezableDisk(64 * 1024 ** 2) ?? context.skip(NO_DISK);
  context.onTestFinished(() => disk.remove());
  const out = join(disk.path, 'out');
  const place = installation({
    'plugins/far.ts': plugin(
      `const { writeFileSync } = await import('node:fs'); for (;;) writeFileSync('${out}/beat', '');`,
      `needs: { write: ['${out}'] }, limits: { timeout: '2s' },`,
    ),
  });
  context.onTestFinished(() => {
    disk.thaw();
    return place.leave();
  });
  await place.start();
  const { id } = (await place.daruma('run', 'far', '--json')).json;
  const job = async () => (await place.daruma('jobs', id, '--json')).json;
  await place.until(job, ({ state }) => state === 'running');
  disk.freeze();
  await place.until(job, ({ state }) => state === 'retrying');
  expect((await place.daruma('stop')).code).toBe(0);
  expect(place.said().stderr).not.toContain('SIGKILL');
  expect(place.host()).toBeUndefined();
});
