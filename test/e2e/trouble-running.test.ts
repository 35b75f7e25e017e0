import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it } from 'vitest';
import { NO_DISK, smallDisk } from './disk.ts';
import { type Installation, installation, plugin } from './installation.ts';
import { noSecondIsMissing } from './slots.ts';

/** Its jobs go on as long as a file is there, so that they can be made to end in the middle of the trouble. */
const GATED = plugin(
  `const { existsSync } = await import('node:fs');
  while (existsSync(context.folder + '/gate/closed')) await new Promise((r) => setTimeout(r, 20));
  return context.job.input;`,
  `needs: { read: ['gate'] }, workers: { max: 4 },`,
);
const FILES = {
  'gate/closed': '',
  'plugins/gated.ts': GATED,
  'plugins/quick.ts': plugin('return context.job.input;'),
  'plugins/tick.ts': plugin('return context.job.slot;', `schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',`),
};
const BIG = JSON.stringify('x'.repeat(100_000));

let place: Installation;
const clean: (() => unknown)[] = [];
afterEach(async () => {
  await place.leave();
  for (const call of clean.splice(0).reverse()) await call();
});

const idOf = async (...args: string[]) => {
  const { json } = await place.daruma('run', ...args, '--json');
  return { id: json.id as string | undefined, error: json.error };
};

/** Every accepted job is there and done, and no second of the schedule is missing. */
async function nothingIsMissing(ids: string[]) {
  for (const id of ids) {
    await place.until(
      () => place.daruma('jobs', id, '--json'),
      ({ json }) => json.state === 'done',
    );
  }
  await noSecondIsMissing(place, 'tick', Date.now());
}

it('survives a full disk: says so, keeps what it accepted and what was done meanwhile, and goes on when there is space', async (context) => {
  const disk = smallDisk(48_000_000) ?? context.skip(NO_DISK);
  clean.push(disk.remove);
  place = installation(FILES, disk.path);
  const { pid } = await place.start();
  const accepted = [(await idOf('gated', '--input', '1')).id!, (await idOf('gated', '--input', '2')).id!];
  accepted.push((await idOf('quick', '--wait')).id!);
  await place.until(
    () => place.daruma('jobs', accepted[1]!, '--json'),
    ({ json }) => json.state === 'running',
  );
  disk.fill();

  const refused = await place.until(
    async () => {
      const { id, error } = await idOf('quick', '--input', BIG);
      if (id) accepted.push(id);
      return error;
    },
    (error) => error !== undefined,
  );
  expect(refused).toMatchObject({ code: 'STORE_FULL' });
  expect(refused.next).toContain('free some space');
  // What runs comes to its end now, and that cannot be written down.
  place.remove('gate/closed');
  const filledAt = Date.now();
  await place.until(
    async () => Date.now() - filledAt,
    (sinceMs) => sinceMs > 2_500, // Some slots come due meanwhile.
  );
  const status = await place.daruma('status', '--json');
  expect(status.json.host).toMatchObject({ pid });
  for (const id of accepted) expect((await place.daruma('jobs', id, '--json')).json).toMatchObject({ id });

  disk.free();
  await place.until(
    async () => await idOf('quick', '--input', '"again"'),
    ({ id }) => id !== undefined && accepted.push(id) > 0,
  );
  await nothingIsMissing(accepted);
  expect((await place.daruma('jobs', accepted[0]!, '--json')).json).toMatchObject({ attempt: 1, result: 1 });
  expect(place.host()!.pid).toBe(pid);
  expect(await place.stop()).toBe(0);
});

it('survives a store that another process holds: says so, and goes on when that has let go', async () => {
  place = installation(FILES);
  const { pid } = await place.start();
  const accepted = [(await idOf('gated', '--input', '1')).id!];
  await place.until(
    () => place.daruma('jobs', accepted[0]!, '--json'),
    ({ json }) => json.state === 'running',
  );
  const other = new DatabaseSync(join(place.folder, 'data/daruma.db'), { timeout: 5_000 });
  clean.push(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  place.remove('gate/closed');
  const { error } = await idOf('quick', '--input', '1');
  expect(error).toMatchObject({ code: 'STORE_BUSY' });
  expect(error.next).toContain('close whatever else');
  other.exec('ROLLBACK');
  const again = await place.until(
    () => idOf('quick', '--input', '2'),
    ({ id }) => id !== undefined,
  );
  await nothingIsMissing([...accepted, again.id!]);
  expect((await place.daruma('jobs', accepted[0]!, '--json')).json).toMatchObject({ attempt: 1 });
  expect(place.host()!.pid).toBe(pid);
  expect(await place.stop()).toBe(0);
});

it('is started again and again on a full disk after a kill, and works by itself as soon as there is space', async (context) => {
  const disk = smallDisk(48_000_000) ?? context.skip(NO_DISK);
  clean.push(disk.remove);
  place = installation(FILES, disk.path);
  const { pid } = await place.start();
  const { id } = await idOf('gated', '--input', '1');
  await place.until(
    () => place.daruma('jobs', id!, '--json'),
    ({ json }) => json.state === 'running',
  );
  disk.fill();
  process.kill(pid, 'SIGKILL');
  const { stdout } = await place.until(
    async () => place.said(),
    (said) => said.stdout.split('_FULL').length > 2,
  );
  expect(stdout).toContain('the disk is full');
  expect(place.started()!.exitCode).toBeNull();

  place.remove('gate/closed');
  disk.free();
  await nothingIsMissing([id!]);
  expect((await place.daruma('jobs', id!, '--json')).json).toMatchObject({ attempt: 2, result: 1 });
  expect(place.host()!.pid).not.toBe(pid);
});
