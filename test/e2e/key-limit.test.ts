import { afterAll, beforeAll, expect, it } from 'vitest';
import { signIn } from '../web/client.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
beforeAll(async () => {
  delete process.env.DARUMA_WEB;
  place = installation({
    'config/daruma.yaml': 'web: { port: 0 }\n',
    'plugins/sync.ts': plugin(
      'await new Promise((done) => context.signal.addEventListener("abort", done)); throw context.signal.reason;',
      "limit: { key: 'shop', concurrency: 2 }, workers: { max: 2 }, concurrency: 8,",
    ),
    'plugins/lists.ts': plugin("for (const shop of context.job.input) await context.send('sync', { shop });"),
  });
  await place.start();
});
afterAll(() => place?.leave());

interface Seen {
  id: string;
  state: string;
  input: { shop: string };
}
const jobsOf = async () =>
  ((await place.daruma('jobs', 'sync', '--state', 'all', '--json')).json as Seen[]).toReversed();

it('two jobs of a shop are at work, the third says what it waits for, and another shop is not held up, across a restart', async () => {
  await place.daruma('run', 'lists', '--input', '["north","north","south","north"]', '--wait');
  const isAtWork = (jobs: Seen[]) => jobs.filter(({ state }) => state === 'running').length === 3;
  const jobs = await place.until(jobsOf, isAtWork);
  expect(jobs.map(({ state }) => state)).toEqual(['running', 'running', 'running', 'queued']);
  const { json } = await place.daruma('jobs', jobs[3]!.id, '--json');
  const words = 'it waits for its limit: shop "north", 2 of 2 at work';
  expect(json.holdUp).toMatchObject({ is: 'limit', text: words });
  const list = (await place.daruma('jobs', 'sync', '--json')).json as { id: string; holdUp: unknown }[];
  expect(list.find(({ id }) => id === jobs[3]!.id)!.holdUp).toEqual(json.holdUp);
  for (const command of [['jobs', 'sync'], ['why', 'sync'], ['status', 'sync'], ['status']]) {
    const { stdout } = await place.daruma(...command);
    expect(stdout.replaceAll(/\s+/g, ' '), command.join(' ')).toContain(
      command[0] === 'jobs' ? 'it waits for its limit' : words,
    );
  }
  const browser = await signIn(place);
  for (const path of ['/jobs?agent=sync', '/agents/sync', '/']) {
    const { text } = await browser.get(path);
    expect(text.replaceAll('&quot;', '"'), path).toContain(words);
  }
  await place.stop('SIGKILL');
  await place.start();
  const after = await place.until(jobsOf, isAtWork);
  const northAtWork = after.filter(({ input, state }) => input.shop === 'north' && state === 'running');
  expect(northAtWork).toHaveLength(2);
  // The end of one makes room for the next.
  const waits = after.find(({ state }) => state !== 'running')!;
  await place.daruma('cancel', northAtWork[0]!.id);
  await place.until(jobsOf, (all) => all.some(({ id, state }) => id === waits.id && state === 'running'));
});
