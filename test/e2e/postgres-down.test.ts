import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../postgres.ts';
import { type Installation, installation } from './installation.ts';

let server: TestPostgres;
let place: Installation;
let origin: string;

beforeAll(async () => {
  server = await startPostgres();
  origin = `postgres://127.0.0.1:${server.port}`;
  place = installation({
    'config/daruma.yaml': 'web: false\norigins: { "*": { pause: { first: 200ms, longest: 400ms } } }\n',
    'plugins/reads.ts': `import { definePlugin } from 'daruma';
import { pool } from 'daruma/pg';
export default definePlugin({
  about: 'Asks a database.',
  needs: { net: ['127.0.0.1'] },
  limits: { attempts: 8, backoff: { first: '20ms', longest: '20ms' } },
  workers: { max: 2 },
  async run() { return (await pool('${server.url}').query('SELECT 1 AS one')).rows[0].one; },
});
`,
  });
  await place.start();
});
afterAll(async () => {
  await place?.leave();
  await server?.close();
});

interface JobSeen {
  id: string;
  state: string;
  attempt: number;
  waitsFor: string | null;
  error: { code: string; data?: { origin: string } } | null;
}
const jobs = async () => (await place.daruma('jobs', 'reads', '--json')).json as JobSeen[];
const originSeen = async () =>
  (await place.daruma('status', '--json')).json.origins.find((one: { origin: string }) => one.origin === origin);

it('a PostgreSQL that is stopped is an origin that is down: jobs wait and lose no attempt, a probe finds it back', async () => {
  await place.until(
    async () => (await place.daruma('agents', '--json')).json,
    (agents: unknown[]) => agents.length === 1,
  );
  expect((await place.daruma('run', 'reads', '--wait', '--json')).json).toMatchObject({ state: 'done', result: 1 });
  expect(await originSeen()).toMatchObject({ state: 'closed', calls: 1, failures: 0 });
  await server.stop();
  for (let n = 0; n < 3; n++) await place.daruma('run', 'reads');
  const isWaiting = ({ state, waitsFor }: JobSeen) => state === 'retrying' && waitsFor === origin;
  const waiting = (await place.until(jobs, (all) => all.filter(isWaiting).length === 3, 20_000)).filter(isWaiting);
  for (const { error } of waiting) expect(error).toMatchObject({ code: 'ORIGIN_DOWN', data: { origin } });
  const down = await place.until(originSeen, (one) => one.state !== 'closed' && one.refused > 0);
  expect(down.last.what).toMatch(/ECONNREFUSED|starting up|shutting down/);
  const incidents = async () =>
    (await place.daruma('incidents', '--json')).json as { verdict: string; state: string; seen: string }[];
  expect(await incidents()).toMatchObject([{ verdict: 'failing-over', seen: expect.stringContaining(origin) }]);
  await place.until(originSeen, ({ failures }) => failures > down.failures);
  await server.start();
  const done = await place.until(jobs, (all) => all.every(({ state }) => state === 'done'));
  expect(done).toHaveLength(4);
  expect(await place.until(originSeen, ({ state }) => state === 'closed')).toMatchObject({ state: 'closed' });
  await place.until(incidents, (all) => all.every(({ state }) => state === 'healed'));
});
