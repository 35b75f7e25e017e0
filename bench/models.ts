/**
 * What the model gateway costs a call: the same calls, 200 a second, made at a local server of Groq's shape directly (A) and through a
 * real gateway with its host's side (B), in turns A B B A. Host's side, client and server are one process here, so each call
 * through the gateway waits for that process three times more than a call beside it.
 *
 *   npm run build && tsx bench/models.ts [seconds of a turn]
 *
 * Default: 30. Writes bench/results/models.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessSize } from '../src/kernel/proc.ts';
import { percentile } from '../src/kernel/statistics.ts';
import { type RunningGateway, startGateway } from '../test/gateway/models/running.ts';
import { machineFacts } from './machine.ts';

const RESULTS = join(import.meta.dirname, 'results');
const PER_SECOND = 200;
const WARM_UP_MS = 5_000;
const seconds = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 30);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Where the calls of a turn go. */
interface Target {
  url: string;
  key: string;
  model: string;
}

/** The time of one call until the end of its answer, in ms. */
function timeOf({ url, key, model }: Target, stream: boolean): Promise<number> {
  const body = JSON.stringify({
    model,
    stream,
    max_tokens: 100,
    messages: [{ role: 'user', content: 'Say something.' }],
  });
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const call = request(`${url}/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200
          ? resolve(performance.now() - began)
          : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}

/** Calls at an even rate, however long each takes. */
async function turn(target: Target, stream: boolean, ms: number): Promise<number[]> {
  const calls: Promise<number>[] = [];
  const began = performance.now();
  for (let at = 0; at < (ms / 1_000) * PER_SECOND; at++) {
    const wait = began + (at * 1_000) / PER_SECOND - performance.now();
    if (wait > 0) await sleep(wait);
    calls.push(timeOf(target, stream));
  }
  return Promise.all(calls);
}

function figures(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Math.round(percentile(sorted, share)! * 100) / 100;
  return { calls: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), mostMs: at(1) };
}

async function compare({ groq, access, keys }: RunningGateway, stream: boolean) {
  const direct = { url: groq.url, key: keys.groq!, model: 'openai/gpt-oss-120b' };
  const through = { url: access.baseURL, key: `dk-${access.key}.17.1`, model: 'auto' };
  const times: { direct: number[]; through: number[] } = { direct: [], through: [] };
  for (const target of [direct, through]) await turn(target, stream, WARM_UP_MS);
  for (const name of ['direct', 'through', 'through', 'direct'] as const)
    times[name].push(...(await turn(name === 'direct' ? direct : through, stream, seconds * 1_000)));
  const [one, other] = [figures(times.direct), figures(times.through)];
  const over = (of: 'p50Ms' | 'p99Ms') => Math.round((other[of] - one[of]) * 100) / 100;
  return { direct: one, through: other, overhead: { p50Ms: over('p50Ms'), p99Ms: over('p99Ms') } };
}

const rssMb = (pid: number) => Math.round((readProcessSize(pid)?.rssBytes ?? 0) / 1024 / 1024);

const gateway = await startGateway();
try {
  const { pid } = gateway.models.view()!;
  const idleRssMb = rssMb(pid);
  const whole = await compare(gateway, false);
  const streamed = await compare(gateway, true);
  const result = {
    machine: machineFacts(),
    perSecond: PER_SECOND,
    seconds,
    whole,
    streamed,
    rssMb: { idle: idleRssMb, after: rssMb(pid) },
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'models.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result, null, 2));
} finally {
  agent.destroy();
  await gateway.stop();
}
