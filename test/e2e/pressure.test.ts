import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HANGS_MS } from '../hangs.ts';
import { type MemoryCgroup, memoryCgroup } from '../memory-cgroup.ts';
import { ask, type Browser, pageOf, signIn } from '../web/client.ts';
import { type Installation, installation, plugin } from './installation.ts';

const MB = 1024 ** 2;
/** A host at rest holds some 150 MB of it. */
const LIMIT = 512 * MB;
/** What the test leaves free: a third of the mark is critical, so that a rung takes two seconds and not ten. */
const LEFT = 30 * MB;

/** The cgroup; undefined where this process may not make one: the ladder is tried with readings of files then, in test/healing. */
const cgroup: MemoryCgroup | undefined = tried();
function tried() {
  try {
    return memoryCgroup(LIMIT);
  } catch {
    return undefined;
  }
}

let place: Installation;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    'config/daruma.yaml':
      'web: { port: 0 }\nmodels: false\ncells: { idle: 500ms }\npressure: { memoryFree: 30, relief: 1s }\n',
    'plugins/pulse.ts': plugin('return 1;', `class: 'critical', schedule: '@every 1s',`),
    '.env': 'SHOP_KEY=shop-key-1\n',
    'plugins/archive.ts': plugin(
      'return 1;',
      `class: 'background', on: ['shop.closed', 'shop.opened'], webhook: { verify: { bearer: 'SHOP_KEY' } },`,
    ),
    'plugins/hears.ts': plugin('return 1;', `on: ['shop.opened'],`),
    'plugins/sender.ts': plugin(
      `const asked = {
         send: () => context.send('archive'),
         low: () => context.send('hears', null, { priority: -1 }),
         emit: () => context.emit('shop.closed'),
         both: () => context.emit('shop.opened'),
         normal: () => context.send('hears'),
       };
       const said: Record<string, unknown> = {};
       for (const [name, ask] of Object.entries(asked)) said[name] = await ask().then(() => 'taken', (error) => error.code);
       return said;`,
    ),
    'plugins/hoard.ts': plugin(
      `const held: Buffer[] = [];
       while (!(await context.state.get('enough'))) {
         const goal = (await context.state.get('megabytes')) as number;
         if (held.length < goal) held.push(Buffer.alloc(1024 ** 2, 1));
         await new Promise((go) => setTimeout(go, 5));
       }
       return held.length;`,
      `limits: { memory: '512MB', timeout: '5m', silence: '5m' },`,
    ),
  });
});
afterAll(async () => {
  await place.leave();
  cgroup?.leave();
});

interface SlotRow {
  due: number;
  state: string;
}

function slotsOf(agent: string, from: number, to: number): SlotRow[] {
  const store = new DatabaseSync(join(place.folder, 'data/daruma.db'), { readOnly: true, timeout: 5_000 });
  try {
    const rows = store.prepare('SELECT due, state FROM slot WHERE agent = ? AND due >= ? AND due < ? ORDER BY due');
    return rows.all(agent, from, to) as unknown as SlotRow[];
  } finally {
    store.close();
  }
}

function deliver(url: string) {
  const headers = { authorization: 'Bearer shop-key-1', 'content-type': 'application/json' };
  return ask(`${url}/hooks/archive`, { method: 'POST', headers, body: '{}' });
}

/** New background work is refused by whatever door it comes, and what may start now is taken. */
async function refusedAtAllDoors(url: string, browser: Browser) {
  const { json: sent } = await place.daruma('run', 'sender', '--wait', '--json');
  expect(sent.result).toEqual({
    ...{ send: 'SEND_REFUSED', low: 'SEND_REFUSED', emit: 'SEND_REFUSED' },
    ...{ both: 'taken', normal: 'taken' },
  });
  const run = await place.daruma('run', 'archive', '--json');
  expect(run).toMatchObject({ code: 1, json: { error: { code: 'SEND_REFUSED' } } });
  expect(run.json.error.message).toContain('this run is background work for archive, and the machine takes none now: ');
  const jobs = async () => (await place.daruma('jobs', 'archive', '--state', 'all', '--json')).json.length as number;
  const before = await jobs();
  const delivery = await deliver(url);
  expect(delivery).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  expect(JSON.parse(delivery.text)).toMatchObject({ error: { code: 'SEND_REFUSED' } });
  // The body is kept, as that of each refused delivery.
  expect((await place.daruma('deliveries', 'archive', '--json')).json.deliveries).toHaveLength(2);
  await browser.send('/act/run', { agent: 'archive', back: '/' });
  expect(await jobs()).toBe(before);
}

const pressure = async () => (await place.daruma('status', '--json')).json.host.pressure;

test.runIf(cgroup)(
  'in a cgroup that is too small background work waits and is done afterwards, critical slots go on, and the host lives',
  async () => {
    const starting = place.start();
    cgroup!.take(place.started()!.pid!);
    const { pid } = await starting;
    await place.until(
      () => place.daruma('status', '--json'),
      ({ json }) => json.agents.length === 5,
    );
    expect(await pressure()).toMatchObject({ rung: 0, steps: [] });
    // The process of the page has loaded what it needs before the memory goes.
    const { url } = await pageOf(place);
    const browser = await signIn(place);
    await browser.get('/jobs');
    expect(await deliver(url)).toMatchObject({ status: 202 });
    const from = Date.now();
    const megabytes = Math.floor((LIMIT - LEFT - cgroup!.usedBytes()) / MB);
    await place.daruma('state', 'hoard', 'megabytes', '--set', String(megabytes));
    await place.daruma('run', 'hoard');
    const pressed = await place.until(pressure, ({ rung }) => rung >= 3, HANGS_MS);
    expect(pressed.steps[0]).toMatchObject({ step: 'hold-growth', resource: 'memory' });
    expect(pressed.steps[0].seen).toContain('of 512 MB memory of the cgroup are free');

    const waiting = (await place.daruma('run', 'archive', '--json')).json;
    const { json: held } = await place.daruma('jobs', waiting.id, '--json');
    expect(held).toMatchObject({ state: 'queued', holdUp: { is: 'deferred' } });
    expect((await place.daruma('status')).stdout).toContain('! the machine is pressed, rung');
    const health = (await place.daruma('health', '--json')).json;
    expect(health.reasons.map(({ code }: { code: string }) => code)).toContain('MEMORY_SHORT');

    await place.until(pressure, ({ rung }) => rung === 6, HANGS_MS);
    await refusedAtAllDoors(url, browser);

    await place.daruma('state', 'hoard', 'enough', '--set', 'true');
    await place.until(
      () => place.daruma('jobs', waiting.id, '--json'),
      ({ json }) => json.state === 'done',
      HANGS_MS,
    );
    await place.until(pressure, ({ rung }) => rung === 0, HANGS_MS);
    const to = Date.now() - 2_000;
    expect(place.host()?.pid).toBe(pid);
    expect(new Set(slotsOf('pulse', from, to).map(({ state }) => state))).toEqual(new Set(['ran']));
    expect(slotsOf('pulse', from, to).length).toBeGreaterThanOrEqual(Math.floor((to - from) / 1_000));
    const { json: events } = await place.daruma('events', '--topic', 'pressure.stepped', '--json');
    const rungs = events.map(({ data }: { data: { rung: number } }) => data.rung);
    expect(rungs.slice(0, 3)).toEqual([1, 2, 3]);
    expect(place.said().stdout).not.toContain('host-lost');
  },
  4 * HANGS_MS,
);
