import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { AgentView, JobView } from '../../src/control/protocol.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation;
let other: Installation | undefined;
afterEach(async () => {
  await other?.leave();
  other = undefined;
  await place?.leave();
});

/** Each attempt writes a line when it begins and one when it ends. A job waits until its gate is open, and is at work for a moment at least. */
const SERVES = `import { appendFileSync, existsSync } from 'node:fs';
import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Serves.',
  input: z.object({ gate: z.string() }),
  needs: { read: ['gates'], write: ['out'] },
  workers: { min: 2, max: 6 },
  limits: { attempts: 3, timeout: '10m', silence: '10m', backoff: { first: '10ms', longest: '20ms' } },
  async run({ job, folder }) {
    const write = (is: string) => appendFileSync(folder + '/out/runs', is + ' ' + job.id + ' ' + job.attempt + '\\n');
    write('begun');
    do await new Promise((done) => setTimeout(done, 20));
    while (existsSync(folder + '/gates/' + job.input.gate));
    write('done');
  },
});
`;
const FEEDS = plugin(
  `const { count, gate, to } = context.job.input;
  for (let sent = 0; sent < count; sent++) await context.send(to, { gate });`,
);
const FILES = {
  'plugins/serves.ts': SERVES,
  'plugins/feeds.ts': FEEDS,
  'gates/crowd': '',
  'gates/long': '',
  'out/runs': '',
};

interface ScaledEvent {
  agent: string;
  message: string;
  data: { from: number; to: number; reason: string; busy: number | null; queueWaitMs: number };
}

const feed = (count: number, gate: string, to = 'serves') =>
  place.daruma('run', 'feeds', '--input', JSON.stringify({ count, gate, to }), '--wait', '--json');
const jobs = async (): Promise<JobView[]> => (await place.daruma('jobs', 'serves', '--limit', '200', '--json')).json;
const status = async (agent = 'serves'): Promise<AgentView> =>
  (await place.daruma('status', agent, '--json')).json.agents.find(({ name }: AgentView) => name === agent);
/** Oldest first. */
async function changes(): Promise<ScaledEvent['data'][]> {
  const { json } = await place.daruma('events', 'serves', '--topic', 'agent.scaled', '--limit', '50', '--json');
  return (json as ScaledEvent[]).map(({ data }) => data);
}
/** `begun job-7 1`, by job. */
function lines(): Map<string, string[]> {
  const all = readFileSync(join(place.folder, 'out/runs'), 'utf8').trim().split('\n');
  return Map.groupBy(all, (line) => line.split(' ')[1]!);
}

it('an agent grows with its load and shrinks after it, each job is done once, and a job that runs is left alone', async () => {
  place = installation(FILES);
  await place.start();
  await feed(40, 'crowd');
  const grown = await place.until(
    () => status(),
    ({ workers }) => workers.now === 6,
  );
  expect(grown.scaling).toMatchObject({ target: 6, change: { to: 6, reason: 'high-load' } });
  const up = await changes();
  expect(up.map(({ reason }) => reason)).toEqual(up.map(() => 'high-load'));
  expect(up[0]).toMatchObject({ from: 2 });
  for (const { from, to, busy, queueWaitMs } of up) {
    expect(to).toBeGreaterThan(from);
    expect(busy).toBeGreaterThanOrEqual(0.8);
    expect(queueWaitMs).toBeGreaterThanOrEqual(100);
  }
  expect((await place.daruma('status', 'serves')).stdout).toMatch(/scaling +\d → 6 workers .*of their time/);

  // A job that goes on while five workers have none is not ended for it.
  await feed(1, 'long');
  place.remove('gates/crowd');
  await place.until(jobs, (all) => all.filter(({ state }) => state === 'done').length === 40);
  await place.until(
    () => status(),
    ({ workers }) => workers.now === 2,
  );
  const all = await changes();
  const down = all.slice(up.length);
  expect(down.map(({ reason }) => reason)).toEqual(down.map(() => 'low-load'));
  expect(down.at(-1)).toMatchObject({ to: 2 });
  for (const [index, { from }] of all.entries()) if (index > 0) expect(from).toBe(all[index - 1]!.to);
  place.remove('gates/long');
  const ended = await place.until(jobs, (list) => list.every(({ state }) => state === 'done'));
  expect(ended).toHaveLength(41);
  expect(ended.filter(({ attempt }) => attempt !== 1)).toEqual([]);
  expect([...lines().values()].filter((runs) => runs.length !== 2)).toEqual([]);
  expect(lines().size).toBe(41);
  const { json: gone } = await place.daruma('events', 'serves', '--topic', 'worker.gone', '--json');
  expect(gone).toEqual([]);
});

it('a host that is killed while an agent grows loses no job, and runs again only what had begun', async () => {
  place = installation(FILES);
  await place.start();
  await feed(40, 'crowd');
  await place.until(
    () => status(),
    ({ scaling }) => (scaling?.target ?? 0) > 2,
  );
  const { pid } = place.host()!;
  process.kill(pid, 'SIGKILL');
  await place.until(
    async () => place.host(),
    (host) => host !== undefined && host.pid !== pid,
  );
  await place.until(
    () => status(),
    ({ workers }) => workers.now === 6,
  );
  place.remove('gates/crowd');
  const ended = await place.until(jobs, (all) => all.every(({ state }) => state === 'done'));
  expect(ended).toHaveLength(40);
  for (const { id, attempt } of ended) {
    const runs = lines().get(id)!;
    // The record has each attempt that began, and no job was done by two of them.
    expect(runs.filter((line) => line.startsWith('begun')).length, runs.join()).toBeLessThanOrEqual(attempt);
    expect(runs.filter((line) => line.startsWith('done'))).toEqual([`done ${id} ${attempt}`]);
  }
  // Attempts of the host that was killed: as many as it had workers for, at most.
  expect(ended.filter(({ attempt }) => attempt > 1).length).toBeLessThanOrEqual(6);
});

it('jobs that wait for the limit of their key ask for no worker, while work that waits for workers gets them', async () => {
  const limit = "workers: { min: 1, max: 6 }, limit: { key: 'gate', concurrency: 1 },";
  place = installation({ ...FILES, 'plugins/limited.ts': SERVES.replace('workers: { min: 2, max: 6 },', limit) });
  await place.start();
  await feed(20, 'long', 'limited');
  await place.until(
    () => status('limited'),
    ({ scaling }) => scaling?.busy === 1,
  );
  await feed(40, 'crowd');
  await place.until(
    () => status(),
    ({ workers }) => workers.now === 6,
  );
  expect(await status('limited')).toMatchObject({ workers: { now: 1 }, scaling: { target: 1, change: null } });
});

it('`max` bounds the workers of a store: no second host works on it, wherever the store lies', async () => {
  place = installation(FILES);
  await place.start();
  await feed(40, 'crowd');
  await place.until(
    () => status(),
    ({ workers }) => workers.now === 6,
  );
  const file = join(place.folder, 'data/daruma.db');
  other = installation({ ...FILES, 'config/daruma.yaml': `store: { file: ${JSON.stringify(file)} }\n` });
  await expect(other.start({ guardian: false })).rejects.toThrow(/another host works on the store/);
  // The store goes to the next host with all that it holds; that begins at `min`, and grows again for what waits.
  place.remove('gates/crowd');
  await place.stop('SIGKILL');
  await other.start();
  const ended = await other.until(
    async () => (await other!.daruma('jobs', 'serves', '--limit', '200', '--json')).json as JobView[],
    (all) => all.every(({ state }) => state !== 'running') || all.length === 40,
  );
  expect(ended).toHaveLength(40);
});
