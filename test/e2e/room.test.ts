import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

const AGENTS = ['a', 'b', 'c', 'd'];
let place: Installation;

beforeAll(async () => {
  place = installation({
    'config/daruma.yaml': 'workers: { max: 1 }\n',
    'plugins/long.ts': plugin(
      `await new Promise((_, no) => context.signal.addEventListener('abort', () => no(new GiveUp('stopped'))));`,
      `limits: { timeout: '10m', silence: '10m' },`,
    ),
    'agents/long.yaml': 'plugin: long\n',
    'plugins/short.ts': plugin('return context.job.input;'),
    ...Object.fromEntries(AGENTS.map((name) => [`agents/${name}.yaml`, 'plugin: short\n'])),
  });
  await place.start();
});
afterAll(() => place?.leave());

it('with one place for all, a job that waits says so, and all are done in their turn', async () => {
  const { daruma, until } = place;
  const { json: long } = await daruma('run', 'long', '--json');
  await until(
    () => daruma('jobs', long.id, '--json'),
    ({ json }) => json.state === 'running',
  );
  const { json: waiting } = await daruma('run', 'a', '--json');
  const { json: shown } = await until(
    () => daruma('jobs', waiting.id, '--json'),
    ({ json }) => json.holdUp !== null,
  );
  expect(shown).toMatchObject({ state: 'queued', holdUp: { is: 'room', next: 'daruma status' } });
  expect((await daruma('status')).stdout).toContain('1 agent waits for one of 1 workers');
  expect((await daruma('status', '--json')).json.host.room).toMatchObject({ most: 1, waiting: [{ agent: 'a' }] });
  const ids = await Promise.all(
    [...AGENTS, ...AGENTS].map(async (name) => (await daruma('run', name, '--json')).json.id),
  );
  await daruma('cancel', long.id);
  for (const id of [waiting.id, ...ids])
    await until(
      () => daruma('jobs', id, '--json'),
      ({ json }) => json.state === 'done',
    );
  expect((await daruma('status', '--json')).json.host.room.waiting).toEqual([]);
});
