import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
beforeAll(async () => {
  place = installation({
    'plugins/asks.ts': plugin(
      `const { job, beat, signal } = context;
       beat('for ' + job.input);
       if (job.input === 'spins') for (;;);
       const all = (globalThis.all ??= new Set());
       all.add(job.input);
       while (all.size < 3 && job.attempt === 1) { beat('waits'); await new Promise((done) => setTimeout(done, 20)); }
       console.log('printed by ' + job.input);
       return job.input;`,
      "concurrency: 4, limits: { timeout: '3s', silence: '3s', grace: '100ms', attempts: 2, backoff: { first: '10ms', longest: '20ms' } },",
    ),
    'plugins/lists.ts': plugin('for (const one of context.job.input) await context.send("asks", one);'),
  });
  await place.start();
});
afterAll(() => place?.leave());

interface Seen {
  id: string;
  state: string;
  input: unknown;
  attempt: number;
  attempts: number;
  error: { code: string } | null;
}

it('three jobs that wait for one another are done in one worker, each with its own lines', async () => {
  await place.daruma('run', 'lists', '--input', '["a","b","c"]', '--wait');
  const jobs = await place.until(
    async () => (await place.daruma('jobs', 'asks', '--state', 'all', '--json')).json as Seen[],
    (all) => all.length === 3 && all.every(({ state }) => state === 'done'),
  );
  for (const { id, input, attempts } of jobs) {
    expect(attempts).toBe(2);
    const { stdout: text } = await place.daruma('logs', 'asks', '--job', id);
    expect(text).toContain(`printed by ${input}`);
    expect(text.match(/printed by/g)).toHaveLength(1);
  }
});

it('a job that holds the event loop up costs its neighbours no attempt, and is found', async () => {
  await place.daruma('run', 'lists', '--input', '["d","e","spins"]', '--wait');
  const jobs = await place.until(
    async () => ((await place.daruma('jobs', 'asks', '--state', 'all', '--json')).json as Seen[]).slice(0, 3),
    (all) => all.every(({ state }) => state === 'done' || state === 'dead'),
  );
  const of = (input: string) => jobs.find((one) => one.input === input)!;
  expect(of('spins')).toMatchObject({ state: 'dead', error: { code: 'TIMEOUT' } });
  for (const input of ['d', 'e']) expect(of(input)).toMatchObject({ state: 'done' });
  const { json } = await place.daruma('jobs', of('spins').id, '--json');
  // Only the attempts that it had to itself, or for which it was known, count.
  expect(json.failures.map(({ error }: { error: { code: string } }) => error.code)).toEqual(['TIMEOUT', 'TIMEOUT']);
});
