import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

/** A server that keeps a request open until there is a message, and can be killed and started again on its port. */
function createLongPoll() {
  const messages: number[] = [];
  const open = new Set<{ after: number; response: ServerResponse }>();
  let server: Server | undefined;
  let port = 0;
  const answer = () => {
    for (const one of open) {
      const fresh = messages.filter((id) => id > one.after);
      if (fresh.length === 0) continue;
      open.delete(one);
      one.response.end(JSON.stringify({ messages: fresh.map((id) => ({ id, text: `message ${id}` })) }));
    }
  };
  return {
    port: () => port,
    waiting: () => open.size,
    push(count: number) {
      for (let n = 0; n < count; n++) messages.push(messages.length + 1);
      answer();
    },
    async start() {
      server = createServer(({ url }, response) => {
        const one = { after: Number(new URL(url!, 'http://x').searchParams.get('after')), response };
        open.add(one);
        response.on('close', () => open.delete(one));
        answer();
      });
      await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve));
      port = (server.address() as AddressInfo).port;
    },
    async kill() {
      const gone = new Promise((resolve) => server?.close(resolve));
      server?.closeAllConnections();
      await gone;
      open.clear();
    },
  };
}

const PER_ROUND = 3;
const MEMORY = /^(?:out-of-memory|over-limit)$/;
const UNTIL_STOPPED = "await new Promise((resolve) => context.signal.addEventListener('abort', resolve));";
const SWELLS = plugin(
  `const runs = (await context.state.get('runs') ?? 0) + 1;
    await context.state.set('runs', runs);
    const kept = [];
    while (runs === 1) kept.push({ at: kept.length, more: [1, 2, 3] });
    ${UNTIL_STOPPED}`,
  'always: true, limits: { memory: "48MB", backoff: { first: "10ms" } },',
);
const server = createLongPoll();
let place: Installation;

beforeAll(async () => {
  await server.start();
  place = installation({
    'agents/inbox.yaml': `plugin: inbox\nsettings: { url: "http://127.0.0.1:${server.port()}/", channel: sink }\n`,
    'plugins/inbox.ts': (await import('node:fs')).readFileSync(
      new URL('../plugins/examples/inbox.ts', import.meta.url),
      'utf8',
    ),
    'plugins/sink.ts': plugin('return context.job.input.text;'),
    'plugins/broken.ts': plugin(
      `if (!(await context.state.get('mended'))) throw new Error('no use');\n    ${UNTIL_STOPPED}`,
      'always: true, limits: { backoff: { first: "10ms" } },',
    ),
    'config/daruma.yaml': 'origins: { "*": { pause: { first: 100ms, longest: 200ms } } }\n',
  });
  await place.start();
});
afterAll(async () => {
  await place.leave();
  await server.kill();
});

const agentNow = async (name: string) => {
  const { json } = await place.daruma('status', '--json');
  return json.agents.find((one: { name: string }) => one.name === name);
};
const runsOf = async (agent: string) =>
  (await place.daruma('jobs', agent, '--state', 'all', '--limit', '1000', '--json')).json;
const isPolling = () =>
  place.until(
    async () => server.waiting(),
    (waiting) => waiting === 1,
  );

it('a long poll misses nothing: its server is restarted ten times, and its host killed in the middle', async () => {
  await isPolling();
  for (let round = 1; round <= 10; round++) {
    server.push(1);
    await server.kill();
    server.push(PER_ROUND - 1);
    if (round === 5) {
      await place.stop('SIGKILL');
      await place.start();
    }
    await server.start();
    await isPolling();
  }
  const wanted = Array.from({ length: 10 * PER_ROUND }, (_, n) => `message ${n + 1}`);
  const jobs = await place.until(
    () => runsOf('sink'),
    (all) => all.length >= wanted.length && all.every(({ state }: { state: string }) => state === 'done'),
  );
  // The key makes each message one job, however often it was sent.
  const texts = jobs.map(({ result }: { result: string }) => result);
  expect(texts.toSorted()).toEqual(wanted.toSorted());
  expect(await runsOf('inbox')).toMatchObject([{ state: 'running', trigger: 'always' }]);
});

it('a run that fails over and over is a crash loop: quarantine, one job, nothing dead', async () => {
  const broken = await place.until(
    () => agentNow('broken'),
    ({ state }) => state === 'quarantined',
  );
  expect(broken.why).toContain('no use');
  expect(await runsOf('broken')).toMatchObject([
    { state: 'retrying', trigger: 'always', error: { message: 'no use' } },
  ]);
});

it('a run that fills its memory is killed, and the same job goes on', async () => {
  place.write('plugins/swells.ts', SWELLS);
  const [incident] = await place.until(
    async () => (await place.daruma('incidents', 'swells', '--json')).json,
    (found) => found[0]?.jobs.length > 0,
  );
  expect(incident).toMatchObject({ verdict: expect.stringMatching(MEMORY) });
  const [job] = await place.until(
    () => runsOf('swells'),
    ([one]) => one.state === 'running',
  );
  expect(job).toMatchObject({ id: incident.jobs[0], trigger: 'always' });
  expect((await place.daruma('state', 'swells', '--json')).json).toMatchObject([{ key: 'runs', value: 2 }]);
});

it('a quarantined run is probed when its time has come, by the next host, too', async () => {
  await place.daruma('state', 'broken', 'mended', '--set', 'true', '--yes');
  await place.stop();
  // The pause before the first probe is a minute.
  const store = new DatabaseSync(join(place.folder, 'data/daruma.db'));
  expect(store.prepare('UPDATE quarantine SET next_probe_at = ?').run(Date.now()).changes).toBe(1);
  store.close();
  await place.start();
  const [job] = await place.until(
    () => runsOf('broken'),
    ([one]) => one.state === 'running',
  );
  expect(job).toMatchObject({ trigger: 'always' });
  await isPolling();
});

it('a pause stops the run, and resume starts the same job again; it takes no jobs of others', async () => {
  await place.daruma('pause', 'inbox');
  await place.until(
    async () => server.waiting(),
    (waiting) => waiting === 0,
  );
  server.push(1);
  expect(await agentNow('inbox')).toMatchObject({ state: 'paused' });
  await place.daruma('resume', 'inbox');
  await isPolling();
  expect(await runsOf('sink')).toHaveLength(10 * PER_ROUND + 1);
  expect(await runsOf('inbox')).toHaveLength(1);
  const { code, stderr } = await place.daruma('run', 'inbox');
  expect([code, stderr]).toEqual([1, expect.stringContaining('inbox runs always: it takes no jobs')]);
});

it('a changed version stops the old run and goes on in its place; always: false ends it', async () => {
  place.write('plugins/inbox.ts', `${place.read('plugins/inbox.ts')}// changed\n`);
  const version = (await agentNow('inbox')).version;
  place.write('plugins/inbox.ts', place.read('plugins/inbox.ts').replace('Takes messages', 'Takes all messages'));
  await place.until(
    () => agentNow('inbox'),
    (now) => now.version !== version,
  );
  await place.until(
    () => runsOf('inbox'),
    ([job]) => job.state === 'running' && job.version !== version,
  );
  await isPolling();
  place.write('agents/inbox.yaml', 'plugin: inbox\nalways: false\n');
  await place.until(
    async () => server.waiting(),
    (waiting) => waiting === 0,
  );
  await place.until(
    () => runsOf('inbox'),
    (jobs) => jobs.length === 1 && jobs[0].state === 'cancelled',
  );
});

it('a run that is steady ends the quarantine, and heals the incident of its memory', async () => {
  const released = await place.until(
    async () => (await place.daruma('events', 'broken', '--topic', 'agent.released', '--json')).json,
    (found) => found.length > 0,
  );
  expect(released).toHaveLength(1);
  const [incident] = await place.until(
    async () => (await place.daruma('incidents', 'swells', '--json')).json,
    ([one]) => one.state === 'healed',
  );
  expect(incident).toMatchObject({ verdict: expect.stringMatching(MEMORY), repeats: 0 });
});

it('a host that is asked to stop stops the runs within their grace, and counts no failure', async () => {
  place.write(
    'agents/inbox.yaml',
    `plugin: inbox\nsettings: { url: "http://127.0.0.1:${server.port()}/", channel: sink }\n`,
  );
  await isPolling();
  const begun = performance.now();
  expect(await place.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(30_000);
  expect(server.waiting()).toBe(0);
  expect((await runsOf('inbox'))[0]).toMatchObject({ state: 'queued', trigger: 'always', error: null });
});
