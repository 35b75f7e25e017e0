import { createHmac, randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Ops } from '../../../src/control/protocol.ts';
import { type Broken, onlyBroken } from '../check.ts';
import { delay } from '../delay.ts';
import type { Fault, FuzzRun } from '../fault.ts';
import { type HostProcess, signal, startHost } from '../host-process.ts';
import { type Random, seeded } from '../random.ts';
import { counted, type Spread, spread } from '../spread.ts';
import { connected, killAll } from '../trial.ts';

const SECRET = 'a-secret-of-the-sender';
const SENDERS = 8;
/** A process is killed so late at most after a round's deliveries have begun, in ms. */
const LATEST_KILL_MS = 250;
const WITHIN_MS = 60_000;
/** Who is killed, each as often as its weight says. `again`: a host that has not come up yet, after another. */
const BLOWS = { host: 45, web: 35, both: 15, again: 5 };
type Blow = keyof typeof BLOWS;
type Job = Ops['jobs']['value'][number];

const PLUGIN = `import { definePlugin, z } from 'daruma';
export default definePlugin({
  about: 'Takes deliveries.',
  webhook: { verify: { github: 'SENDER_SECRET' }, input: z.object({ n: z.int() }), perMinute: 30000 },
  limits: { attempts: 50, backoff: { first: '20ms', longest: '100ms' } },
  workers: { max: 2 },
  run: ({ job }) => job.input?.body.n,
});
`;

export interface HooksOutcome {
  deliveries: number;
  kills: Record<Blow, number>;
  /** Requests by what came back: a status, or that the connection ended without an answer. */
  answers: Record<string, number>;
  /** Acknowledged again under the id of before. */
  repeated: number;
  jobs: Record<string, number>;
  /** Jobs that took more than one attempt: their host was killed under them. */
  attemptedAgain: number;
  /** ms of acknowledged requests, from its first byte to its answer. */
  acknowledged: Spread;
  broken: Broken;
}

/** Kills the host and its web process at random moments under signed deliveries; the sender repeats what was not acknowledged. */
export const hooks: Fault<'deliveries' | 'kills'> = {
  name: 'hooks',
  counts: { deliveries: 1_000, kills: 60 },
  async run(run, counts) {
    const { broken, ...figures } = await hooksFuzz({ ...run, ...counts });
    return { tables: [figures], broken, result: figures };
  },
};

export async function hooksFuzz(options: FuzzRun & { deliveries: number; kills: number }): Promise<HooksOutcome> {
  const { folder, main, seed, say, deliveries, kills } = options;
  delete process.env.DARUMA_WEB;
  await writeInstallation(folder);
  const random = seeded(seed);
  const killed = createKilled(main, folder, random);
  const sender = createSender(folder);
  try {
    await killed.start();
    for (let round = 0; round < kills; round++) {
      const [from, to] = [round, round + 1].map((at) => Math.floor((at * deliveries) / kills));
      await Promise.all([sender.send(from!, to!), killed.strike(random.between(0, LATEST_KILL_MS))]);
      if (round % 10 === 9) say(`round ${round + 1}: ${to} deliveries are acknowledged`);
    }
    const jobs = await ended(folder, deliveries);
    return {
      deliveries,
      kills: killed.kills,
      answers: counted(sender.answers),
      repeated: sender.repeated(),
      jobs: counted(jobs.map(({ state }) => state)),
      attemptedAgain: jobs.filter(({ attempt }) => attempt > 1).length,
      acknowledged: spread(sender.tookMs),
      broken: brokenIn(sender, jobs),
    };
  } finally {
    killAll(folder);
  }
}

async function writeInstallation(folder: string): Promise<void> {
  for (const name of ['plugins', 'agents', 'config']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'plugins/take.ts'), PLUGIN);
  writeFileSync(join(folder, '.env'), `SENDER_SECRET=${SECRET}\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'config/daruma.yaml'), `web: { port: ${await freePort()} }\n`);
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}

/** Hosts, one after the other, and what kills them and their web processes. */
function createKilled(main: string, folder: string, random: Random) {
  const kills: Record<Blow, number> = { host: 0, web: 0, both: 0, again: 0 };
  let host: HostProcess;

  async function start() {
    host = startHost(main, folder);
    await host.ready;
  }

  async function killHost() {
    host.kill('SIGKILL');
    await host.ended;
  }

  return {
    kills,
    start,
    async strike(afterMs: number) {
      await delay(afterMs);
      const blow = random.pick(BLOWS);
      kills[blow] += 1;
      const page = blow === 'web' || blow === 'both' ? await pageOf(folder) : undefined;
      if (page) signal([page.pid], 'SIGKILL');
      if (blow === 'web') return;
      await killHost();
      if (blow === 'again') {
        host = startHost(main, folder);
        await delay(random.between(0, 300));
        await killHost();
      }
      await start();
    },
  };
}

/** The page of the host at work; undefined while there is none. */
async function pageOf(folder: string) {
  const client = await connected(folder).catch(() => undefined);
  try {
    return (await client?.ask('status', {}))?.web ?? undefined;
  } catch {
    return undefined;
  } finally {
    client?.close();
  }
}

/** Sends deliveries until each is acknowledged, and one in ten once more. */
function createSender(folder: string) {
  const answers: string[] = [];
  const tookMs: number[] = [];
  /** The jobs that acknowledgements named, by delivery. */
  const acknowledged = new Map<string, Set<string>>();
  let url: string | undefined;
  let again = 0;

  async function post(n: number, delivery: string): Promise<string | undefined> {
    const body = JSON.stringify({ n, text: 'x'.repeat(500) });
    url ??= (await pageOf(folder))?.url;
    if (url === undefined) return undefined;
    const begun = performance.now();
    try {
      const answer = await fetch(`${url}/hooks/take`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': delivery,
          'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(body).digest('hex')}`,
        },
        signal: AbortSignal.timeout(15_000),
      });
      const said = (await answer.json()) as { job?: string };
      answers.push(`${answer.status}`);
      if (!answer.ok) return undefined;
      tookMs.push(performance.now() - begun);
      return said.job;
    } catch {
      answers.push('no answer');
      // Another web process may listen elsewhere.
      url = undefined;
      return undefined;
    }
  }

  async function deliver(n: number) {
    const delivery = randomUUID();
    const jobs = new Set<string>();
    acknowledged.set(delivery, jobs);
    const deadline = performance.now() + WITHIN_MS;
    while (jobs.size === 0) {
      const job = await post(n, delivery);
      if (job !== undefined) jobs.add(job);
      else if (performance.now() > deadline) throw new Error(`delivery ${n} was not acknowledged within a minute`);
      else await delay(20);
    }
    if (n % 10 !== 0) return;
    const job = await post(n, delivery);
    if (job === undefined) return;
    again += 1;
    jobs.add(job);
  }

  return {
    answers,
    tookMs,
    acknowledged,
    repeated: () => again,
    async send(from: number, to: number) {
      let next = from;
      const one = async () => {
        while (next < to) await deliver(next++);
      };
      await Promise.all(Array.from({ length: SENDERS }, one));
    },
  };
}

/** Every job of the agent, as soon as all have ended. */
async function ended(folder: string, least: number): Promise<Job[]> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const client = await connected(folder);
    const jobs: Job[] = [];
    for (;;) {
      const before = jobs.at(-1)?.id;
      const more = await client.ask('jobs', { agent: 'take', limit: 1_000, ...(before ? { before } : {}) });
      jobs.push(...more);
      if (more.length < 1_000) break;
    }
    client.close();
    const isOver = jobs.every(({ state }) => !['queued', 'running', 'retrying'].includes(state));
    if ((isOver && jobs.length >= least) || performance.now() > deadline) return jobs;
    await delay(50);
  }
}

function brokenIn(
  { acknowledged }: Pick<ReturnType<typeof createSender>, 'acknowledged'>,
  jobs: readonly Job[],
): Broken {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const byKey = Map.groupBy(jobs, ({ key }) => key);
  const lost = [...acknowledged].filter(([delivery, [job]]) => byId.get(job!)?.key !== delivery);
  const twice = [...acknowledged].filter(([delivery, ids]) => ids.size > 1 || (byKey.get(delivery)?.length ?? 0) > 1);
  return onlyBroken({
    'an acknowledged delivery is a job': lost.map(([delivery]) => delivery),
    'a delivery is one job': twice.map(([delivery, ids]) => `${delivery}: ${[...ids].join(', ')}`),
    'each job is done': jobs.filter(({ state }) => state !== 'done').map(({ id, state }) => `${id} is ${state}`),
    'no job comes of nothing': jobs.filter(({ key }) => !acknowledged.has(key ?? '')).map(({ id }) => id),
  });
}
