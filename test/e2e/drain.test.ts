import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

/** Hears no signal, and loops in its exit handler: it never answers a drain. */
const DEAF = `context.log.info('begun'); process.on('exit', () => { for (;;); }); setInterval(() => {}, 10); await new Promise(() => {});`;
const LIMITS = 'limits: { timeout: "8s", grace: "200ms", attempts: 2, backoff: { first: "10ms", longest: "20ms" } },';

interface Job {
  id: string;
  state: string;
  result: unknown;
  version: string;
  finishedAt: string;
  failures: { finishedAt: string; error: { code: string } }[];
}

async function begun(place: Installation): Promise<Job> {
  const { json } = await place.daruma('run', 'deaf', '--json');
  const id: string = json.id;
  await place.until(
    () => place.daruma('logs', '--job', id, '--json'),
    ({ stdout }) => stdout.includes('begun'),
  );
  return json;
}

it('a worker that never answers a drain holds up no reload: the new version serves, and the old job is tried again on it', async () => {
  place = installation({ 'plugins/deaf.ts': plugin(DEAF, LIMITS) });
  const { daruma, until, write } = place;
  await place.start();
  const old = await begun(place);
  write('plugins/deaf.ts', plugin('return "new";', LIMITS));
  await until(
    () => daruma('versions', 'deaf', '--json'),
    ({ json }) => json.versions.length === 2,
  );
  const next = (await daruma('run', 'deaf', '--wait', '--json')).json as Job;
  expect(next).toMatchObject({ state: 'done', result: 'new' });
  expect(next.version).not.toBe(old.version);
  const retried = await until(
    () => daruma('jobs', old.id, '--json'),
    ({ json }) => json.state === 'done',
  );
  const { result, failures } = retried.json as Job;
  expect({ result, codes: failures.map(({ error }) => error.code) }).toEqual({ result: 'new', codes: ['TIMEOUT'] });
  // The old attempt held its job until its own timeout, and the new version had served by then.
  expect(Date.parse(next.finishedAt)).toBeLessThan(Date.parse(failures[0]!.finishedAt));
  const { json } = await until(
    () => daruma('status', '--json'),
    ({ json }) => json.host.workers === 1,
  );
  expect(json.agents).toEqual([
    expect.objectContaining({ name: 'deaf', workers: expect.objectContaining({ now: 1 }) }),
  ]);
});

it('nor a stop: host and guardian are gone within its bound, and the job is tried again by the next host', async () => {
  place = installation({ 'plugins/deaf.ts': plugin(DEAF, LIMITS.replace('8s', '10m')) });
  const { daruma, until, write } = place;
  await place.start();
  const { id } = await begun(place);
  expect(await place.stop()).toBe(0);
  write('plugins/deaf.ts', plugin('return "new";', LIMITS));
  await place.start();
  const { json } = await until(
    () => daruma('jobs', id, '--json'),
    ({ json }) => json.state === 'done',
  );
  expect(json).toMatchObject({ result: 'new' });
});
