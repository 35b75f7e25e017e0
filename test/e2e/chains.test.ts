import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

const PAIR = (other: string) => plugin(`await context.send('${other}');`);
const ECHO = plugin('await context.emit("said", { by: context.agent });', "on: ['said'],");
/** Sends so many times four hundred jobs. */
const sender = (to: string, times: number) =>
  plugin(`
    for (let turn = 0; turn < ${times}; turn++)
      await Promise.all(Array.from({ length: 400 }, (_, i) => context.send('${to}', turn * 400 + i)));
  `);
const SLOW = plugin('await new Promise((resolve) => setTimeout(resolve, 60_000));');

it('ends jobs that make jobs without end, tells one incident for each ring, and lets a crowd of thousands through', async () => {
  place = installation({
    'plugins/left.ts': PAIR('right'),
    'plugins/right.ts': PAIR('left'),
    'plugins/crowd.ts': sender('quiet', 6),
    'plugins/quiet.ts': plugin('return 1;', 'workers: { min: 0, max: 2 },'),
    'config/daruma.yaml': 'jobChains: { depth: 8 }\n',
  });
  await place.start();
  const { daruma, until } = place;
  await daruma('run', 'left', '--wait');
  const dead = await until(
    async () => (await daruma('jobs', '--state', 'dead', '--json')).json,
    (jobs) => jobs.length > 0,
  );
  expect(dead).toMatchObject([{ agent: 'left', attempt: 1, hops: 8, error: { code: 'CHAIN_TOO_DEEP' } }]);
  expect(dead[0].error.data.chain).toContain('left → right → left → …, 8 hops');
  const crowd = await daruma('run', 'crowd', '--wait');
  expect(crowd.code, crowd.stderr).toBe(0);
  const { json } = await daruma('incidents', '--json');
  expect(json).toMatchObject([{ verdict: 'looping', agent: 'left', state: 'open' }]);
  expect(json[0].seen).toContain('(left → right → left → …, 8 hops)');
  // A replay is the same chain, and goes no further.
  await daruma('replay', dead[0].id);
  await until(
    async () => (await daruma('jobs', dead[0].id, '--json')).json,
    (job) => job.state === 'dead' && job.attempt === 2,
  );
  expect((await daruma('incidents', '--json')).json).toHaveLength(1);
});

it('ends an event that two agents answer with two, within some thousand jobs', async () => {
  place = installation({
    'plugins/one.ts': ECHO,
    'plugins/two.ts': ECHO,
    'config/daruma.yaml': 'jobChains: { perMinute: 300 }\n',
  });
  await place.start();
  const { daruma, until } = place;
  await daruma('run', 'one');
  await until(
    async () => (await daruma('status', '--json')).json,
    ({ agents, host }) => host.waiting === 0 && agents.every((one: { dead: number }) => one.dead > 0),
  );
  const { json } = await daruma('incidents', '--json');
  expect(json).toMatchObject([{ verdict: 'looping', state: 'open' }]);
  expect((await daruma('jobs', '--limit', '1000', '--json')).json.length).toBeLessThan(300);
});

it('cancels what waits in one go, says why nothing is queued, and who is paused', async () => {
  place = installation({
    'plugins/slow.ts': SLOW,
    'plugins/fill.ts': sender('slow', 3),
    'plugins/twice.ts': plugin(`
      await context.send('slow', 1, { key: 'k' });
      return context.send('slow', 2, { key: 'k', detail: true });
    `),
  });
  await place.start();
  const { daruma } = place;
  expect((await daruma('run', 'fill', '--wait')).code).toBe(0);
  const cancelled = await daruma('cancel', '--agent', 'slow', '--yes', '--json');
  expect(cancelled.json).toMatchObject({ count: 1_200, dryRun: false });
  expect(cancelled.json.jobs).toHaveLength(1_000);
  const back = await daruma('replay', '--agent', 'slow', '--state', 'cancelled', '--yes', '--json');
  expect(back.json.count).toBe(1_200);
  await daruma('cancel', '--agent', 'slow', '--yes');

  const { json } = await daruma('run', 'twice', '--wait', '--json');
  expect(json.result).toMatchObject({ id: expect.stringMatching(/^job-/), isNew: false, sameInput: false });
  const lines = (await daruma('logs', 'twice', '--json')).stdout;
  expect(lines).toContain('nothing was queued; its input differs');

  await daruma('pause', 'slow');
  const { id } = (await daruma('run', 'slow', '--key', 'j', '--json')).json;
  expect((await daruma('run', 'slow', '--key', 'j')).stdout).toContain(`nothing was queued: ${id} of `);
  await daruma('cancel', id);
  const anew = await daruma('run', 'slow', '--key', 'j');
  expect(anew).toMatchObject({ code: 0, stdout: expect.stringContaining('slow is paused') });
});

it('tries the job that a person asks for as the next probe of a quarantine, before those that wait', async () => {
  const body = `
    if (context.job.input?.fine) return 'fine';
    setTimeout(() => { throw new Error('boom'); }, 1);
    await new Promise(() => {});`;
  place = installation({
    'plugins/sick.ts': plugin(body, "limits: { attempts: 20, backoff: { first: '10ms', longest: '20ms' } },"),
  });
  await place.start();
  const { daruma, until } = place;
  for (let i = 0; i < 2; i++) await daruma('run', 'sick');
  await until(
    async () => (await daruma('status', 'sick', '--json')).json.agents[0],
    ({ state }) => state === 'quarantined',
  );
  const held = (await daruma('jobs', 'sick', '--json')).json;
  expect(held.map(({ holdUp }: { holdUp: { is: string } }) => holdUp.is)).toEqual(['quarantined', 'quarantined']);
  expect((await daruma('jobs', 'sick')).stdout).toContain('held until the next probe in ');
  expect((await daruma('status')).stdout).toContain('queue 2');
  const mine = await daruma('run', 'sick', '--with', 'fine=true', '--wait');
  expect(mine.code, mine.stderr).toBe(0);
  expect(mine.stderr).toContain('sick is in quarantine: this job is its next probe');
});
