import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, pageOf } from '../web/client.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    '.env': 'SHOP_KEY=shop-key-1\n',
    'plugins/index.ts': plugin('return context.job.input;', "debounce: { period: '1h', key: 'site' },"),
    'plugins/soon.ts': plugin('return context.job.input;', "debounce: { period: '1ms' },"),
    'plugins/hears.ts': plugin('return 1;', "on: ['page.saved', 'agent.paused'], debounce: { period: '1h' },"),
    'plugins/shop.ts': plugin(
      'return 1;',
      "webhook: { verify: { bearer: 'SHOP_KEY' }, key: 'id' }, debounce: { period: '1h', timeout: '2h', key: 'body.order' },",
    ),
    'plugins/editor.ts': plugin(
      `const sent = [];
       for (const [site, page] of [['north', 1], ['south', 2], ['north', 3], ['south', 4], ['north', 5]])
         sent.push(await context.send('index', { site, page }, { detail: true }));
       sent.push(await context.send('index', { site: 'north', page: 6 }, { after: '2h', detail: true }));
       for (const page of [1, 2]) await context.emit('page.saved', { page });
       await context.send('soon', 'now');
       return sent;`,
    ),
    'config/daruma.yaml': 'web: { port: 0 }\n',
  });
  await place.start();
});
afterAll(() => place?.leave());

interface Seen {
  id: string;
  state: string;
  input: unknown;
  queuedAt: string;
  runAt: string;
}
const jobsOf = async (agent: string): Promise<Seen[]> =>
  (await place.daruma('jobs', agent, '--state', 'all', '--json')).json.toReversed();
const waitOf = ({ queuedAt, runAt }: Seen) => Date.parse(runAt) - Date.parse(queuedAt);

it('sends of one key are one job with the newest input, which outlives its host; events are one as well', async () => {
  const { json: sender } = await place.daruma('run', 'editor', '--wait', '--json');
  expect(sender).toMatchObject({ state: 'done' });
  expect(sender.result.map(({ isNew }: { isNew: boolean }) => isNew)).toEqual([true, true, false, false, false, true]);
  expect(sender.result[4]).toMatchObject({ id: sender.result[0].id, state: 'queued', sameInput: false });
  await place.stop('SIGKILL');
  await place.start();
  const jobs = await jobsOf('index');
  expect(jobs.map(({ state, input }) => [state, input])).toEqual([
    ['queued', { site: 'north', page: 5 }],
    ['queued', { site: 'south', page: 4 }],
    ['queued', { site: 'north', page: 6 }],
  ]);
  for (const job of jobs) expect(waitOf(job)).toBeGreaterThanOrEqual(3_600_000);
  expect(await jobsOf('hears')).toMatchObject([{ state: 'queued', input: { data: { page: 2 } } }]);
  const soon = await place.until(
    () => jobsOf('soon'),
    ([job]) => job?.state === 'done',
  );
  expect(soon).toMatchObject([{ result: 'now' }]);
  // Nobody warns of what is meant.
  const { json: lines } = await place.daruma('logs', 'editor', '--level', 'warn', '--json');
  expect(lines).toEqual([]);
});

it('events of the host are one job, and a run by hand is not kept waiting', async () => {
  for (const verb of ['pause', 'resume', 'pause', 'resume']) await place.daruma(verb, 'soon');
  const heard = await place.until(
    () => jobsOf('hears'),
    ([job]) => (job!.input as { topic: string }).topic === 'agent.paused',
  );
  expect(heard).toHaveLength(1);
  const { json } = await place.daruma('run', 'index', '--input', '{"site":"north"}', '--wait', '--json');
  expect(json).toMatchObject({ state: 'done', result: { site: 'north' } });
});

it('deliveries of one order are one job; one that is sent again puts nothing off', async () => {
  const { url } = await pageOf(place);
  const deliver = async (id: number, order: string) => {
    const body = JSON.stringify({ id, order });
    const headers = { authorization: 'Bearer shop-key-1', 'content-type': 'application/json' };
    return JSON.parse((await ask(`${url}/hooks/shop`, { method: 'POST', headers, body })).text);
  };
  const first = await deliver(1, 'a');
  expect(first).toMatchObject({ state: 'queued', repeated: false });
  expect(await deliver(2, 'a')).toMatchObject({ job: first.job, state: 'queued', repeated: false });
  expect(await deliver(3, 'b')).toMatchObject({ repeated: false });
  const before = await jobsOf('shop');
  expect(before.map(({ input }) => (input as { body: unknown }).body)).toEqual([
    { id: 2, order: 'a' },
    { id: 3, order: 'b' },
  ]);
  for (const id of [1, 2]) expect(await deliver(id, 'a')).toMatchObject({ job: first.job, repeated: true });
  expect(await jobsOf('shop')).toEqual(before);
});
