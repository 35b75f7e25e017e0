import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';
import { type Illness, type OriginServer, originServer } from './origin-server.ts';
import { noSecondIsMissing } from './slots.ts';

let place: Installation | undefined;
const servers: OriginServer[] = [];
afterEach(async () => {
  await place?.leave();
  place = undefined;
  for (const server of servers.splice(0)) await server.close();
});

async function server(): Promise<OriginServer> {
  const one = await originServer();
  servers.push(one);
  return one;
}

/** Calls the server with what its input says; two attempts, so that a second failure would be a dead letter. */
const caller = (origin: string, net = ['127.0.0.1'], more = '') =>
  plugin(
    `const answer = await context.fetch(${JSON.stringify(origin)} + '/' + context.job.input, { method: ${'context.job.input'}.startsWith('post') ? 'POST' : 'GET' });
     if (!answer.ok) throw new Error('the server answered ' + answer.status);
     return new URL(answer.url).origin;`,
    `needs: { net: ${JSON.stringify(net)} }, limits: { attempts: 3, backoff: { first: '400ms', longest: '400ms' } }, ${more}`,
  );
const NEIGHBOUR = plugin('return 1;', 'schedule: "* * * * * *", catchUp: "all", overlap: "queue",');
/** Short pauses, so that an outage of a test is as long as many of a night. */
const QUICK = 'origins: { "*": { pause: { first: 400ms, longest: 1s }, timeout: 400ms } }\n';

interface Incident {
  id: string;
  agent: string | null;
  verdict: string;
  state: string;
  seen: string;
  jobs: string[];
  remedies: { kind: string; what: string; outcome: string }[];
  evidence: { fault: { data: { failures: { what: string }[]; agents: string[] } } };
}
const incidents = async () => (await place!.daruma('incidents', '--json')).json as Incident[];
const jobOf = async (id: string) => (await place!.daruma('jobs', id, '--json')).json;
const run = async (agent: string, input: string) =>
  (await place!.daruma('run', agent, '--input', JSON.stringify(input), '--json')).json.id as string;
const originOf = async (origin: string) =>
  (await place!.daruma('status', '--json')).json.origins.find((one: { origin: string }) => one.origin === origin);

it.each<[Illness, RegExp]>([
  ['closed', /ECONNREFUSED/],
  ['503', /503 Service Unavailable/],
  ['hangs', /no answer within 400ms/],
])(
  'a server that is down (%s): jobs wait and are done when it is back, with one incident, and neighbours keep their slots',
  async (illness, words) => {
    const api = await server();
    place = installation({
      'plugins/prices.ts': caller(api.origin),
      'plugins/orders.ts': caller(api.origin),
      'plugins/neighbour.ts': NEIGHBOUR,
      'config/daruma.yaml': QUICK,
    });
    const { daruma, until } = place;
    await place.start();
    expect(
      await until(
        () => run('prices', 'before').then(jobOf),
        ({ state }) => state !== 'queued',
      ),
    ).toBeDefined();

    await api.be(illness);
    const asked = api.asked.length;
    const ids = [await run('prices', 'get-1'), await run('prices', 'get-2'), await run('orders', 'post-1')];
    for (const id of ids) {
      const waiting = await until(
        () => jobOf(id),
        ({ waitsFor }) => waitsFor !== null,
      );
      expect(waiting).toMatchObject({ state: 'retrying', waitsFor: api.origin, error: { code: 'ORIGIN_DOWN' } });
      // What it has left is what it had before, less what really failed before the server counted as down.
      expect(waiting.attempts - waiting.attempt).toBeGreaterThanOrEqual(1);
    }
    const open = await until(incidents, ([one]) => one?.evidence.fault.data.agents.length === 2);
    expect(open).toHaveLength(1);
    expect(open[0]).toMatchObject({ agent: null, verdict: 'failing-over', seen: expect.stringMatching(words) });
    expect(open[0]!.remedies[0]!.kind).toBe('fail-over');

    // Three seconds of night: the same three jobs wait, and the server is asked now and then.
    const deadline = Date.now() + 3_000;
    await until(
      () => Promise.resolve(Date.now()),
      (now) => now > deadline,
    );
    expect(await originOf(api.origin)).toMatchObject({
      state: expect.stringMatching(/open/),
      since: expect.any(String),
    });
    const status = await daruma('status');
    expect(status.stdout).toMatch(new RegExp(`✗ ${api.origin} is down since`));
    expect(status.stdout).toContain('waiting');
    if (illness !== 'closed') expect(api.asked.length - asked).toBeLessThan(25);
    // All of them wait at one and the same moment, but for the one whose call is out to see: a probe is a real job.
    const before = ((await daruma('jobs', '--json', '--limit', '1000')).json as { id: string; state: string }[]).filter(
      ({ id }) => ids.includes(id),
    );
    const out = before.filter(({ state }) => state === 'running');
    expect(out.length).toBeLessThanOrEqual(1);
    expect(before.filter(({ state }) => state === 'retrying')).toHaveLength(3 - out.length);

    await api.be('well');
    for (const id of ids) expect((await daruma('jobs', id, '--json')).json.state).not.toBe('dead');
    for (const id of ids) {
      const done = await until(
        () => jobOf(id),
        ({ state }) => state === 'done' || state === 'dead',
      );
      expect(done).toMatchObject({ state: 'done', waitsFor: null, result: api.origin });
    }
    const [healed] = await until(incidents, ([one]) => one?.state === 'healed');
    expect(healed!.remedies.at(-1)!.outcome).toBe('held');
    expect(await incidents()).toHaveLength(1);
    expect((await daruma('dlq', '--json')).json).toEqual([]);
    expect(await originOf(api.origin)).toMatchObject({ state: 'closed', since: null, p95Ms: expect.any(Number) });
    await noSecondIsMissing(place, 'neighbour', Date.now());
  },
);

it('goes to the next in the chain meanwhile, but for agents that may not reach it', async () => {
  const api = await server();
  const mirror = await server();
  const local = mirror.origin.replace('127.0.0.1', 'localhost');
  place = installation({
    'plugins/free.ts': caller(api.origin, ['127.0.0.1', 'localhost']),
    'plugins/bound.ts': caller(api.origin),
    'config/daruma.yaml': `origins:\n  "*": { pause: { first: 5s, longest: 5s } }\n  "${api.origin}": { instead: ["${local}"] }\n`,
  });
  const { daruma, until } = place;
  await place.start();
  await api.be('503');
  const free = await run('free', 'get');
  const done = await until(
    () => jobOf(free),
    ({ state }) => state === 'done',
  );
  expect(done.result).toBe(local);
  // The first attempt found out; neither it nor the wait for the mirror cost more.
  expect(mirror.answered).toEqual(['/get']);
  const bound = await run('bound', 'get');
  const waiting = await until(
    () => jobOf(bound),
    ({ waitsFor }) => waitsFor === api.origin,
  );
  expect(waiting.error.message).toContain(`${local} may not be asked instead: not in needs.net`);
  const why = (await daruma('incidents', '--json')).json[0];
  expect(JSON.stringify(why)).toContain(`${local} is asked instead`);
  expect((await daruma('run', 'free', '--input', '"post-x"', '--wait', '--json')).json.result).toBe(local);

  await api.be('well');
  const last = await until(
    () => jobOf(bound),
    ({ state }) => state === 'done',
  );
  expect(last.result).toBe(api.origin);
});

it('a host that is restarted goes on with the same incident, and the jobs that waited', async () => {
  const api = await server();
  place = installation({ 'plugins/prices.ts': caller(api.origin), 'config/daruma.yaml': QUICK });
  const { until } = place;
  await place.start({ guardian: false });
  await api.be('closed');
  const id = await run('prices', 'get');
  await until(
    () => jobOf(id),
    ({ waitsFor }) => waitsFor === api.origin,
  );
  const [before] = await until(incidents, (list) => list.length === 1);
  await place.stop('SIGKILL');
  await place.start({ guardian: false });
  await api.be('well');
  expect(
    await until(
      () => jobOf(id),
      ({ state }) => state === 'done',
    ),
  ).toMatchObject({ result: api.origin });
  const after = await until(incidents, (list) => list.some((one) => one.id === before!.id && one.state === 'healed'));
  expect(after.filter(({ verdict }) => verdict === 'failing-over')).toHaveLength(1);
});
