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
    'plugins/kept.ts': plugin(
      `const { job, beat } = context;
       console.log('begun ' + job.input);
       if (job.attempt > 1 && !job.input.startsWith('bad')) return console.log('ended ' + job.input);
       if (job.input === 'bad hangs') await new Promise(() => {});
       const all = (globalThis.names ??= new Set()).add(job.input);
       const held = [];
       for (;;) {
         beat('waits');
         const isTime = job.attempt > 1 || (all.has('b') && all.has('d'));
         if (job.input === 'bad fills' && isTime) held.push(new Array(1e6).fill(job.attempt));
         await new Promise((done) => setTimeout(done, 5));
       }`,
      `concurrency: 4, limits: { timeout: '60s', silence: '1s', grace: '100ms', memory: '96MB', attempts: 2,
        backoff: { first: '10ms', longest: '20ms' } },`,
    ),
    'plugins/lists.ts': plugin(
      'const [to, ...inputs] = context.job.input; for (const one of inputs) await context.send(to, one);',
    ),
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
  await place.daruma('run', 'lists', '--input', '["asks","a","b","c"]', '--wait');
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
  await place.daruma('run', 'lists', '--input', '["asks","d","e","spins"]', '--wait');
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

/** Sends jobs to `kept`, and waits until all of them are at work. */
async function atWork(...inputs: string[]): Promise<void> {
  await place.daruma('run', 'lists', '--input', JSON.stringify(['kept', ...inputs]), '--wait');
  const jobs = await newest(inputs.length, (all) => all.length === inputs.length);
  for (const { id, input } of jobs)
    await place.until(
      () => place.daruma('logs', 'kept', '--job', id),
      ({ stdout }) => stdout.includes(`begun ${input}`),
    );
}

async function newest(count: number, holds: (jobs: Seen[]) => boolean): Promise<Seen[]> {
  const list = async () => (await place.daruma('jobs', 'kept', '--state', 'all', '--json')).json as Seen[];
  return await place.until(async () => (await list()).slice(0, count).toReversed(), holds);
}

/** What became of jobs that all have come to an end, with how often each began and ended by itself. */
async function outcomes(count: number) {
  const jobs = await newest(count, (all) => all.every(({ state }) => state === 'done' || state === 'dead'));
  return await Promise.all(
    jobs.map(async ({ id, input, state, attempt, attempts, error }) => {
      const { stdout } = await place.daruma('logs', 'kept', '--job', id);
      const times = (word: string) => stdout.split(`${word} ${input}`).length - 1;
      return {
        input,
        state,
        left: attempts - attempt,
        attempt,
        begun: times('begun'),
        ended: times('ended'),
        code: error?.code,
      };
    }),
  );
}
const WHOLE = { state: 'done', left: 1, attempt: 2, begun: 2, ended: 1 };

it('a job that hangs fails alone, and each of those beside it is tried again once, without losing an attempt', async () => {
  await atWork('a', 'bad hangs', 'c');
  const [a, bad, c] = await outcomes(3);
  expect(a).toMatchObject(WHOLE);
  expect(c).toMatchObject(WHOLE);
  expect(bad).toMatchObject({ state: 'dead', left: 0, begun: 2, ended: 0, code: 'SILENT' });
});

it('a cell that is killed costs none of its jobs an attempt, and none of them is done twice', async () => {
  await atWork('a', 'b', 'c', 'd');
  const { json } = await place.daruma('status', '--json');
  const cell = json.host.fences.find(({ cell }: { cell: string }) => cell === 'shared');
  process.kill(cell.pid, 'SIGKILL');
  for (const one of await outcomes(4)) expect(one).toMatchObject(WHOLE);
});

it('a job that fills the memory of its worker is found, and each of those beside it keeps its attempts', async () => {
  await atWork('b', 'bad fills', 'd');
  const [b, bad, d] = await outcomes(3);
  expect(b).toMatchObject(WHOLE);
  expect(d).toMatchObject(WHOLE);
  expect(bad).toMatchObject({ state: 'dead', left: 0 });
  expect(bad!.code).toMatch(/^(OVER_LIMIT|OUT_OF_MEMORY)$/);
});
