import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, isRunning, plugin } from '../e2e/installation.ts';
import { HANGS_MS } from '../hangs.ts';

const TICK = {
  'plugins/tick.ts': plugin('return context.job.slot;', `schedule: '* * * * * *', catchUp: 'all', overlap: 'queue',`),
};
const ONCE = { 'plugins/once.ts': plugin('return 7;') };

let place: Installation;
afterEach(async () => {
  await place.leave();
});

type Slots = { slot: string; state: string }[];
const done = async () => {
  const { json } = await place.daruma('jobs', 'tick', '--state', 'done', '--json', '--limit', '1000');
  return (Array.isArray(json) ? json : []) as Slots;
};
const anotherHost = (pid: number, withinMs = HANGS_MS) =>
  place.until(
    async () => place.host(),
    (host) => host !== undefined && host.pid !== pid,
    withinMs,
  );
const ended = () =>
  new Promise<number | null>((resolve) => {
    const process = place.started()!;
    if (process.exitCode !== null || process.signalCode !== null) resolve(process.exitCode);
    else process.once('exit', resolve);
  });
const status = async () => (await place.daruma('status', '--json')).json;
/** What the newest start has written down of itself; a host that has just got its lock is in it. */
const starts = () => {
  const file = join(place.folder, 'data/run/starts.json');
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number; failed: number; open: boolean })
    : undefined;
};

it('starts a new host when its own is killed: no slot is lost, and the last words are kept', async () => {
  place = installation(TICK);
  const { pid } = await place.start();
  await place.until(done, (jobs) => jobs.length >= 2);
  const killedAt = Date.now();
  process.kill(pid, 'SIGKILL');
  const { pid: next } = (await anotherHost(pid))!;
  const readyMs = Date.now() - killedAt;
  const jobs = await place.until(done, (all) => all.some(({ slot }) => Date.parse(slot) > killedAt + 1_000));
  console.log(`host killed: the next one answers after ${readyMs} ms`);
  const slots = jobs.map(({ slot }) => Date.parse(slot)).sort((a, b) => a - b);
  expect(slots).toEqual(slots.map((_, at) => slots[0]! + at * 1_000));
  expect(place.said().stderr).toContain(`the host (pid ${pid}) was killed by SIGKILL`);
  const log = (await place.daruma('logs', '--json', '--level', 'warn')).json as { event?: string; signal?: string }[];
  expect(log.filter(({ event }) => event === 'host.lost')).toMatchObject([{ pid, signal: 'SIGKILL' }]);
  const { host } = await status();
  expect(host).toMatchObject({ pid: next, watchedBy: 'guardian', guardian: place.started()!.pid, safeMode: false });
});

it('passes SIGTERM on and ends with its host; Ctrl-C twice at once is one', async () => {
  const gated = plugin('context.log.info("begun"); await new Promise((r) => setTimeout(r, 700)); return "whole";');
  place = installation({ 'plugins/slow.ts': gated });
  const { pid } = await place.start();
  expect(await place.stop('SIGTERM')).toBe(0);
  expect(isRunning(pid)).toBe(false);

  await place.start();
  const { json } = await place.daruma('run', 'slow', '--json');
  await place.until(
    () => place.daruma('logs', 'slow', '--json'),
    (said) => said.stdout.includes('begun'),
  );
  const guardian = place.started()!;
  guardian.kill('SIGINT');
  guardian.kill('SIGINT');
  expect(await ended()).toBe(0);
  await place.start();
  expect((await place.daruma('jobs', json.id, '--json')).json).toMatchObject({ state: 'done', attempt: 1 });
  expect((await place.daruma('stop', '--json')).code).toBe(0);
  expect(await ended()).toBe(0);
});

it('replaces a host that somebody else has signalled to end, and says so', async () => {
  place = installation(ONCE);
  const { pid } = await place.start();
  process.kill(pid, 'SIGTERM');
  await anotherHost(pid);
  expect(place.said().stderr).toContain(`the host (pid ${pid}) was ended by a signal that did not come from here`);
  expect(await place.stop('SIGTERM')).toBe(0);
});

it('leaves out a file under which its host died, says so, and looks at it again when it is asked to', async () => {
  place = installation(ONCE);
  const { pid } = await place.start();
  place.write('plugins/loops.ts', `for (;;) {}\n${ONCE['plugins/once.ts']}`);
  const notes = join(place.folder, 'data/versions/.building');
  await place.until(
    async () => (existsSync(notes) ? readdirSync(notes) : []),
    (noted) => noted.length > 0,
  );
  process.kill(pid, 'SIGKILL');
  await anotherHost(pid);
  const problems = async () => (await status()).problems as { code: string; file?: string; next?: string }[];
  expect(await place.until(problems, (list) => list.length > 0)).toMatchObject([
    { code: 'PLUGIN_HOST_DIED', file: 'plugins/loops.ts', next: expect.stringContaining('daruma check') },
  ]);
  expect((await place.daruma('run', 'once', '--wait', '--json')).json).toMatchObject({ state: 'done' });
  await place.daruma('check');
  await place.until(problems, (list) => list.some(({ code }) => code === 'PLUGIN_LOADS_FOREVER'));
});

it('leaves its host at work when it is killed itself, which says so, and no second guardian fights for it', async () => {
  place = installation(ONCE);
  const { pid } = await place.start();
  expect((await status()).problems).toEqual([]);
  place.started()!.kill('SIGKILL');
  await ended();
  const said = await place.until(
    () => place.daruma('status', '--json'),
    ({ json }) => json.problems.length > 0,
  );
  expect(said.code).toBe(3);
  expect(said.json.problems).toMatchObject([{ code: 'GUARDIAN_GONE', next: expect.stringContaining('daruma stop') }]);
  expect((await place.daruma('run', 'once', '--wait', '--json')).json).toMatchObject({ state: 'done' });
  const second = await place.daruma('start', '--json');
  expect(second).toMatchObject({ code: 1, json: { error: { code: 'HOST_RUNNING', data: { pid } } } });
  expect((await place.daruma('stop')).code).toBe(0);
  expect(place.host()).toBeUndefined();
});

it('lets one of two that start at the same moment have the folder', async () => {
  place = installation(ONCE);
  const second = place.daruma('start', '--json');
  await place.start().catch(() => {});
  await place.until(
    () => place.daruma('stop', '--json'),
    ({ code }) => code === 0,
  );
  const codes = [await ended(), (await second).code];
  expect(codes.sort()).toEqual([0, 1]);
});

it('holds all agents after three starts that came to nothing, says so, never gives up, and lets them go again', async () => {
  place = installation({ ...TICK, ...ONCE });
  await place.start();
  const killed = new Set<number>();
  const from = Date.now();
  while (killed.size < 3) {
    // Without a pause in between the next one is met before it is ready.
    const { pid } = await place.until(
      async () => starts()!,
      (start) => start.open && !killed.has(start.pid) && isRunning(start.pid),
    );
    process.kill(pid, 'SIGKILL');
    killed.add(pid);
  }
  console.log(`three starts killed within ${Date.now() - from} ms`);
  const held = await place.until(
    () => place.daruma('status', '--json'),
    ({ json }) => json.host?.safeMode === true,
  );
  expect(held.code).toBe(3);
  expect(held.json.problems).toMatchObject([
    { code: 'SAFE_MODE', message: expect.stringContaining('the last 3 starts failed') },
  ]);
  expect(held.json.agents).toMatchObject([
    { name: 'once', state: 'paused', why: expect.stringContaining('safe mode') },
    { name: 'tick', state: 'paused' },
  ]);
  const human = await place.daruma('status');
  expect(human.stdout).toContain('daruma resume --all');

  const { json: waiting } = await place.daruma('run', 'once', '--json');
  const at = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 1_000).toISOString();
  const why = await place.until(
    () => place.daruma('why', 'tick', '--at', at, '--json'),
    ({ json }) => json?.state === 'skipped',
  );
  expect(JSON.stringify(why.json)).toContain('safe mode');
  expect((await place.daruma('jobs', waiting.id, '--json')).json).toMatchObject({ state: 'queued' });
  expect((await status()).host.workers).toBe(0);

  expect((await place.daruma('resume', '--all', '--json')).code).toBe(0);
  await place.until(
    () => place.daruma('jobs', waiting.id, '--json'),
    ({ json }) => json.state === 'done',
  );
  await place.until(done, (jobs) => jobs.some(({ slot }) => slot > at));
  expect(await status()).toMatchObject({ host: { safeMode: false }, problems: [] });

  // Between two hosts there is only the guardian to be asked.
  process.kill(place.host()!.pid, 'SIGKILL');
  await place.until(
    () => place.daruma('stop', '--json'),
    ({ code }) => code === 0,
  );
  expect(await ended()).toBe(0);

  await place.start();
  expect(await status()).toMatchObject({ host: { safeMode: false }, problems: [] });
});

it('ends at once when a person has to mend something, and runs no agent through a loader for development', async () => {
  place = installation({ ...ONCE, 'config/daruma.yaml': 'retention: { jobs: never }\n' });
  const refused = await place.daruma('start', '--json');
  expect(refused).toMatchObject({ code: 1, json: { error: { file: 'config/daruma.yaml', line: 1 } } });
  place.remove('config/daruma.yaml');
  const before = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `--import ${import.meta.resolve('tsx')}`;
  try {
    for (const args of [['start'], ['start', '--no-guardian'], ['host']]) {
      const { code, json } = await place.daruma(...args, '--json');
      expect({ code, json }).toMatchObject({ code: 1, json: { error: { code: 'DEV_LOADER' } } });
    }
  } finally {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  }
  await place.start({ guardian: false });
  expect(await status()).toMatchObject({ host: { watchedBy: null, guardian: null, pid: place.started()!.pid } });
});
