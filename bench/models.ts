/**
 * What the model gateway costs a call: the same calls, 200 a second, made at a local server of Groq's shape directly (A), through a
 * process of node that passes requests on by `node:http` and does nothing else (B), which is the floor, and through a real gateway with
 * its host's side (C), in turns A B C C B A. The client is a process of its own, as a worker is. Host's side and server are one
 * process here. Resident memory of both is read idle and while 32 streams go on at once; some 45 MB of it are the pages of node's own
 * program, which all processes of node share.
 *
 *   npm run build && tsx bench/models.ts [seconds of a turn]
 *
 * Default: 30. Writes bench/results/models.json.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEMORY_FLAGS } from '../src/gateway/models/process.ts';
import { percentile } from '../src/kernel/statistics.ts';
import { startGateway } from '../test/gateway/models/running.ts';
import { machineFacts } from './machine.ts';
import type { Target, Turn } from './models-client.ts';

const RESULTS = join(import.meta.dirname, 'results');
const PER_SECOND = 200;
const WARM_UP_MS = 5_000;
const seconds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 30);
const client = fork(join(import.meta.dirname, 'models-client.ts'), { execArgv: process.execArgv });

/** The times of the calls of a turn, in ms. */
async function turn(asked: Turn): Promise<number[]> {
  const over = new AbortController();
  client.send(asked);
  try {
    const answered = once(client, 'message', { signal: over.signal }) as Promise<[number[]]>;
    const ended = once(client, 'exit', { signal: over.signal }).then(([code]) => {
      throw new Error(`the client ended with ${code}`);
    });
    const [times] = await Promise.race([answered, ended]);
    return times;
  } finally {
    over.abort();
  }
}

function figures(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Math.round(percentile(sorted, share)! * 100) / 100;
  return { calls: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), mostMs: at(1) };
}

const TURNS = ['direct', 'bare', 'through', 'through', 'bare', 'direct'] as const;
type Way = (typeof TURNS)[number];

async function compare(targets: Record<Way, Target>, stream: boolean) {
  const times: Record<Way, number[]> = { direct: [], bare: [], through: [] };
  for (const name of ['direct', 'bare', 'through'] as const)
    await turn({ target: targets[name], stream, ms: WARM_UP_MS, perSecond: PER_SECOND });
  for (const name of TURNS)
    times[name].push(...(await turn({ target: targets[name], stream, ms: seconds * 1_000, perSecond: PER_SECOND })));
  const [direct, bare, through] = [figures(times.direct), figures(times.bare), figures(times.through)];
  const over = (one: typeof direct, of: 'p50Ms' | 'p99Ms') => Math.round((one[of] - direct[of]) * 100) / 100;
  const overhead = { p50Ms: over(through, 'p50Ms'), p99Ms: over(through, 'p99Ms') };
  return { direct, bare, through, overhead, floor: { p50Ms: over(bare, 'p50Ms'), p99Ms: over(bare, 'p99Ms') } };
}

/** A process of node that passes each request on, and its answer back: with the flags of the gateway that are about memory. */
const BARE_PROXY = `
const { Agent, createServer, request } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
createServer((asked, answer) => {
  const { authorization, 'content-type': type } = asked.headers;
  const to = request(process.argv[1] + asked.url.slice(3), { method: asked.method, agent, headers: { authorization, 'content-type': type } }, (said) => {
    answer.writeHead(said.statusCode, said.headers);
    said.pipe(answer);
  });
  to.on('error', () => answer.destroy());
  asked.pipe(to);
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

async function startBareProxy(upstream: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [...MEMORY_FLAGS, '-e', BARE_PROXY, upstream], {
    env: { MALLOC_ARENA_MAX: '1', UV_THREADPOOL_SIZE: '2' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout!, 'data')) as [Buffer];
  return { child, url: `http://127.0.0.1:${port.toString().trim()}/v1` };
}

/** Resident memory in MB: in all, and without the pages of files, which processes of the same program share. */
function memoryOf(pid: number) {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1');
  const mb = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 102.4) / 10;
  return { rssMb: mb('VmRSS'), ownMb: mb('RssAnon') };
}

/** The most memory that a process has while 32 streams go on at once. */
async function memoryUnderLoad(pid: number, target: Target) {
  const most = memoryOf(pid);
  const looking = setInterval(() => {
    const now = memoryOf(pid);
    most.rssMb = Math.max(most.rssMb, now.rssMb);
    most.ownMb = Math.max(most.ownMb, now.ownMb);
  }, 20);
  await turn({ target, stream: true, ms: seconds * 1_000, perSecond: PER_SECOND, atATime: 32 });
  clearInterval(looking);
  return most;
}

const gateway = await startGateway();
const { groq, access, keys } = gateway;
const bare = await startBareProxy(groq.url);
try {
  const { pid } = gateway.models.view()!;
  const direct = { url: groq.url, key: keys.groq!, model: 'openai/gpt-oss-120b' };
  const through = { url: access.baseURL, key: `dk-${access.key}.17.1`, model: 'auto' };
  const targets = { direct, through, bare: { ...direct, url: bare.url } };
  const idle = { gateway: memoryOf(pid), bare: memoryOf(bare.child.pid!) };
  const whole = await compare(targets, false);
  const streamed = await compare(targets, true);
  const after = { gateway: memoryOf(pid), bare: memoryOf(bare.child.pid!) };
  const at32 = {
    gateway: await memoryUnderLoad(pid, through),
    bare: await memoryUnderLoad(bare.child.pid!, targets.bare),
  };
  const memory = { idle, after, at32 };
  const result = { machine: machineFacts(), perSecond: PER_SECOND, seconds, whole, streamed, memory };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'models.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 2));
} finally {
  bare.child.kill();
  client.disconnect();
  await gateway.stop();
}
