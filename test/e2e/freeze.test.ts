import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { StatusView } from '../../src/control/protocol.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { type Installation, installation, plugin, processesOf } from './installation.ts';
import { noSecondIsMissing } from './slots.ts';

/** Its first attempt does its effect only when the gate is opened; a later one at once. */
const PAYS = plugin(
  `const { existsSync, appendFileSync } = await import('node:fs');
  const { job, folder } = context;
  appendFileSync(folder + '/paid/begun', job.id);
  while (job.attempt === 1 && existsSync(folder + '/gate/closed')) await new Promise((r) => setTimeout(r, 10));
  await context.once('pay', () => appendFileSync(folder + '/paid/log', 'attempt ' + job.attempt + '\\n'));
  return job.attempt;`,
  `needs: { read: ['gate'], write: ['paid'] },
  limits: { attempts: 3, timeout: '6s', grace: '200ms', backoff: { first: '10ms' } }, workers: { max: 2 },`,
);
/** Its job ends when the gate is opened, without asking the host for anything. */
const WAITS = plugin(
  `const { existsSync } = await import('node:fs');
  while (existsSync(context.folder + '/gate/closed')) await new Promise((r) => setTimeout(r, 10));
  return 'whole';`,
  `needs: { read: ['gate'] },`,
);
const FILES = { 'plugins/pays.ts': PAYS, 'plugins/waits.ts': WAITS, 'gate/closed': '', 'paid/log': '' };

let place: Installation;
const frozen = new Set<number>();
afterEach(async () => {
  for (const pid of [...frozen]) thaw(pid);
  await place.leave();
});

function freeze(pid: number) {
  process.kill(pid, 'SIGSTOP');
  frozen.add(pid);
}

function thaw(pid: number) {
  frozen.delete(pid);
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It was killed while it stood still.
  }
}

/** The cell that holds the workers of `pays`: a spare one may stand beside it. */
async function cell(): Promise<number> {
  const own = ({ json }: { json: StatusView }) => json.host?.fences?.find(({ agent }) => agent === 'pays');
  const said = await place.until(
    () => place.daruma('status', '--json'),
    (found) => own(found) !== undefined,
  );
  return own(said)!.pid;
}

/** A job whose first attempt is under way: of `pays`, its worker has begun it. A job that is only on its way to a cell comes back untouched. */
async function running(agent = 'pays'): Promise<string> {
  const { json } = await place.daruma('run', agent, '--json');
  await place.until(
    () => place.daruma('jobs', json.id, '--json'),
    (said) => said.json.state === 'running' && (agent !== 'pays' || existsSync(join(place.folder, 'paid/begun'))),
  );
  return json.id;
}

const paid = () => readFileSync(join(place.folder, 'paid/log'), 'utf8');
const logged = async () => (await place.daruma('logs', '--json', '-n', '1000')).stdout;
const ended = (id: string) =>
  place.until(
    () => place.daruma('jobs', id, '--json'),
    ({ json }) => ['done', 'dead', 'cancelled'].includes(json.state),
  );

it('gives the job of a cell that stands still to another one, and the first cell can do nothing more', async () => {
  place = installation(FILES);
  await place.start();
  const id = await running();
  const stopped = await cell();
  freeze(stopped);
  const { json } = await ended(id);
  expect(json).toMatchObject({ state: 'done', attempt: 2, result: 2 });
  expect(json.failures).toMatchObject([{ attempt: 1, error: { code: 'CELL_LOST' } }]);
  place.remove('gate/closed');
  thaw(stopped);
  expect(processesOf(place.folder).filter((text) => text.startsWith(`${stopped} `))).toEqual([]);
  expect(paid()).toBe('attempt 2\n');
  expect((await ended(id)).json).toEqual(json);
});

it('refuses the end and the effect of an attempt that was cancelled and given out anew while its cell stood still', async () => {
  place = installation(FILES);
  await place.start();
  const id = await running();
  const stopped = await cell();
  freeze(stopped);
  expect((await place.daruma('cancel', id, '--json')).json).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect((await place.daruma('replay', id, '--json')).json).toMatchObject({ jobs: [id] });
  await place.until(
    () => place.daruma('jobs', id, '--json'),
    (said) => said.json.attempt === 2,
  );
  place.remove('gate/closed');
  thaw(stopped);
  expect((await ended(id)).json).toMatchObject({ state: 'done', attempt: 2, result: 2 });
  expect(paid()).toBe('attempt 2\n');
});

it('ends a cell that stood still while its host was killed, before it can do anything beside the next host', async () => {
  place = installation(FILES);
  await place.start();
  const id = await running();
  const stopped = await cell();
  freeze(stopped);
  await place.stop('SIGKILL');
  await place.start();
  expect((await ended(id)).json).toMatchObject({
    state: 'done',
    attempt: 2,
    failures: [{ error: { code: 'HOST_LOST' } }],
  });
  place.remove('gate/closed');
  thaw(stopped);
  await place.until(
    async () => processesOf(place.folder).filter((text) => text.startsWith(`${stopped} `)),
    (left) => left.length === 0,
  );
  expect(paid()).toBe('attempt 2\n');
});

it('refuses the end of an attempt whose job was taken over by another host while its own stood still past the lease', async () => {
  place = installation(FILES);
  const { pid } = await place.start({ guardian: false });
  const id = await running();
  freeze(pid);

  // The other host sees the same store half a minute later.
  const later = Date.now() + 31_000;
  const other = createSqliteStore(
    { time: { ...machineTime, now: () => later, monotonic: () => 0 }, log: silentLog },
    { file: join(place.folder, 'data/daruma.db') },
  );
  await other.start();
  try {
    const owner = { host: 'other', run: '1' };
    expect(await other.abandoned(owner)).toMatchObject([{ id, attempt: 1 }]);
    const times = { startedAt: later, finishedAt: later };
    expect(await other.settle([{ job: id, attempt: 1, state: 'retrying', ...times, inMs: 0 }])).toEqual([true]);
    const terms = { owner, leaseMs: 60_000 };
    const [given] = await other.claim([{ agent: 'pays', version: 'theirs', limit: 1 }], terms);
    expect(given!.assignments).toMatchObject([{ job: id, attempt: 2 }]);
    expect(await other.beginEffect({ job: id, attempt: 2 }, 'pay')).toEqual({ is: 'new' });

    place.remove('gate/closed');
    thaw(pid);
    await place.until(logged, (lines) => lines.includes(`a late end of ${id} was refused`));
    expect(paid()).toBe('');
    expect((await place.daruma('jobs', id, '--json')).json).toMatchObject({ state: 'running', attempt: 2 });

    await other.endEffect({ job: id, attempt: 2 }, 'pay', '"paid by the other"');
    const end = { job: id, attempt: 2, state: 'done' as const, ...times, result: '"by the other"' };
    expect(await other.settle([end])).toEqual([true]);
  } finally {
    await other.stop();
  }
  expect((await ended(id)).json).toMatchObject({ state: 'done', attempt: 2, result: 'by the other' });
});

it('lets no second host in beside one that stands still, says that it is silent, and misses no slot when it goes on', async () => {
  const tick = plugin('return context.job.slot;', `schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',`);
  place = installation({ ...FILES, 'plugins/tick.ts': tick });
  const { pid } = await place.start({ guardian: false });
  const id = await running('waits');
  freeze(pid);
  place.remove('gate/closed');
  const [second, status] = await Promise.all([place.daruma('start', '--json'), place.daruma('status', '--json')]);
  expect(second.code).toBe(1);
  expect(second.json.error).toMatchObject({ code: 'HOST_RUNNING', data: { pid } });
  expect(status.code).toBe(4);
  expect(status.json.error).toMatchObject({ code: 'HOST_SILENT', message: expect.stringContaining(`pid ${pid}`) });
  thaw(pid);
  expect((await ended(id)).json).toMatchObject({ state: 'done', attempt: 1, result: 'whole' });
  await noSecondIsMissing(place, 'tick', Date.now());
});
