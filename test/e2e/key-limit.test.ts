import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
beforeAll(async () => {
  place = installation({
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
  await place.daruma('run', 'lists', '--input', '["north","north","north","south"]', '--wait');
  const isAtWork = (jobs: Seen[]) => jobs.filter(({ state }) => state === 'running').length === 3;
  const jobs = await place.until(jobsOf, isAtWork);
  expect(jobs.map(({ state }) => state)).toEqual(['running', 'running', 'queued', 'running']);
  const { json } = await place.daruma('jobs', jobs[2]!.id, '--json');
  expect(json.holdUp).toMatchObject({ is: 'limit', text: 'it waits for its limit: shop "north", 2 of 2 at work' });
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
