import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

it('turns a dropped file into an agent, runs it, runs its new code after a save, and forgets it when it is deleted', async () => {
  place = installation();
  const { daruma, until, write, remove } = place;
  await place.start();
  write('plugins/hello.ts', plugin('return { said: "hello " + context.job.input };'));
  await until(
    () => daruma('agents', '--json'),
    ({ json }) => json.some((agent: { name: string }) => agent.name === 'hello'),
  );

  const first = await daruma('run', 'hello', '--wait', '--json', '--input', '"you"');
  expect(first.code).toBe(0);
  expect(first.json).toMatchObject({ agent: 'hello', state: 'done', attempt: 1, result: { said: 'hello you' } });

  write('plugins/hello.ts', plugin('return { said: "good bye" };'));
  const second = await until(
    () => daruma('run', 'hello', '--wait', '--json'),
    ({ json }) => json.result?.said === 'good bye',
  );
  expect(second.json.version).not.toBe(first.json.version);

  remove('plugins/hello.ts');
  const gone = await until(
    () => daruma('run', 'hello', '--json'),
    ({ code }) => code === 1,
  );
  expect(gone.json.error).toMatchObject({ code: 'AGENT_UNKNOWN' });
  expect((await daruma('jobs', 'hello', '--json')).json.length).toBeGreaterThan(1);
});

it('keeps the good version when a save is bad, and says where and why', async () => {
  place = installation({ 'plugins/steady.ts': plugin('return 1;') });
  const { daruma, until, write } = place;
  await place.start();
  write('plugins/steady.ts', 'export default definePlugin({\n  about: "broken",\n  run( {\n');
  const status = await until(
    () => daruma('status', '--json'),
    ({ json }) => json.problems.length > 0,
  );
  expect(status.code).toBe(3);
  expect(status.json.problems[0]).toMatchObject({
    file: 'plugins/steady.ts',
    line: expect.any(Number),
    column: expect.any(Number),
  });
  expect((await daruma('run', 'steady', '--wait', '--json')).json).toMatchObject({ state: 'done', result: 1 });
});

it('tries a failing job again on the plan of its backoff, then keeps it as a dead letter that can be run again', async () => {
  place = installation({
    'plugins/moody.ts': plugin(
      'const n = (await context.state.get("n") ?? 0) + 1; await context.state.set("n", n); if (n < 4) throw new Error("mood " + n); return n;',
      'limits: { attempts: 3, backoff: { first: "10ms", longest: "20ms" } },',
    ),
  });
  const { daruma } = place;
  await place.start();
  const dead = await daruma('run', 'moody', '--wait', '--json');
  expect(dead.code).toBe(1);
  expect(dead.json).toMatchObject({
    state: 'dead',
    attempt: 3,
    error: { message: 'mood 3', file: 'plugins/moody.ts', line: 6 },
  });
  const letters = await daruma('dlq', '--json');
  expect(letters.json).toMatchObject([{ agent: 'moody', count: 1 }]);
  const back = await daruma('replay', dead.json.id, '--json');
  expect(back.json).toMatchObject({ jobs: [dead.json.id] });
  const again = await place.until(
    () => daruma('jobs', dead.json.id, '--json'),
    ({ json }) => json.state === 'done',
  );
  expect(again.json).toMatchObject({ result: 4, attempt: 4 });
  expect(again.json.failures).toHaveLength(3);
});

it('does each slot exactly once, across a SIGKILL of the host in the middle', async () => {
  place = installation({
    'plugins/tick.ts': plugin('return context.job.slot;', 'schedule: "* * * * * *", catchUp: "all", overlap: "queue",'),
  });
  const { daruma, until } = place;
  await place.start();
  const done = () => daruma('jobs', 'tick', '--json', '--limit', '1000');
  await until(done, ({ json }) => json.filter((job: { state: string }) => job.state === 'done').length >= 3);
  await place.stop('SIGKILL');
  await place.start();
  const { json } = await until(
    done,
    (said) => said.json.filter((job: { state: string }) => job.state === 'done').length >= 8,
  );
  const slots = json.map((job: { slot: string }) => Date.parse(job.slot)).sort((a: number, b: number) => a - b);
  expect(new Set(slots).size).toBe(slots.length);
  for (let index = 1; index < slots.length; index++) expect(slots[index]! - slots[index - 1]!).toBe(1_000);
});

it('refuses a second host on the same folder, and names the first one', async () => {
  place = installation();
  const { pid } = await place.start();
  const second = await place.daruma('start', '--json');
  expect(second.code).toBe(1);
  expect(second.json.error).toMatchObject({ code: 'HOST_RUNNING', data: { pid } });
});

it('answers from the store when the host is down, says so, and exits with 4', async () => {
  place = installation({ 'plugins/once.ts': plugin('return 7;') });
  await place.start();
  await place.daruma('run', 'once', '--wait');
  expect(await place.stop()).toBe(0);
  const status = await place.daruma('status', '--json');
  expect(status.code).toBe(4);
  expect(status.json).toMatchObject({ host: null, agents: [{ name: 'once', lastJob: { result: 7 } }] });
  const human = await place.daruma('status');
  expect(human.stderr + human.stdout).toContain('not running');
});

it('finishes what runs when it is asked to stop', async () => {
  place = installation({
    'plugins/slow.ts': plugin(
      'context.log.info("begun"); await new Promise((r) => setTimeout(r, 400)); return "whole";',
    ),
  });
  await place.start();
  const { json } = await place.daruma('run', 'slow', '--json');
  await place.until(
    () => place!.daruma('logs', 'slow', '--json'),
    (said) => said.stdout.includes('begun'),
  );
  expect(await place.stop()).toBe(0);
  await place.start();
  expect((await place.daruma('jobs', json.id, '--json')).json).toMatchObject({
    state: 'done',
    attempt: 1,
    result: 'whole',
  });
});

it('shows when a schedule will ask for jobs, and says so where there is none', async () => {
  place = installation({
    'plugins/weekly.ts': plugin('return 1;', 'schedule: "30 4 * * 1", timezone: "Europe/Berlin",'),
    'plugins/manual.ts': plugin('return 1;'),
  });
  await place.start();
  const { json } = await place.daruma('next', 'weekly', '-n', '3', '--json');
  expect(json).toMatchObject({ agent: 'weekly', schedule: '30 4 * * 1', timezone: 'Europe/Berlin' });
  const wall = json.times.map((time: string) => {
    const at = Temporal.Instant.from(time).toZonedDateTimeISO('Europe/Berlin');
    return `${at.dayOfWeek} ${at.hour}:${at.minute}`;
  });
  expect(wall).toEqual(['1 4:30', '1 4:30', '1 4:30']);
  expect(new Set(json.times).size).toBe(3);
  expect((await place.daruma('next', 'manual')).stdout).toContain('has no schedule');
  expect((await place.daruma('next', 'weekly', '-n', '0')).code).toBe(2);
});
