/**
 * The client of `bench/models.ts`, in a process of its own, as a worker is: it makes calls at an even rate, or as many at a time as it
 * is told, and says how long each took.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Where the calls of a turn go. */
export interface Target {
  url: string;
  key: string;
  model: string;
}

/** Calls for so long: so many a second, however long each takes, or so many at a time. */
export interface Turn {
  target: Target;
  stream: boolean;
  ms: number;
  perSecond: number;
  /** Streams at a time instead of an even rate. */
  atATime?: number;
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
async function turn({ target, stream, ms, perSecond }: Turn): Promise<number[]> {
  const calls: Promise<number>[] = [];
  const began = performance.now();
  for (let at = 0; at < (ms / 1_000) * perSecond; at++) {
    const wait = began + (at * 1_000) / perSecond - performance.now();
    if (wait > 0) await sleep(wait);
    calls.push(timeOf(target, stream));
  }
  return Promise.all(calls);
}

/** Calls one after the other, so many at a time. */
async function crowd({ target, stream, ms, atATime = 1 }: Turn): Promise<number[]> {
  const until = performance.now() + ms;
  const times: number[] = [];
  async function lane() {
    while (performance.now() < until) times.push(await timeOf(target, stream));
  }
  await Promise.all(Array.from({ length: atATime }, lane));
  return times;
}

process.on('message', async (asked: Turn) => {
  process.send!(await (asked.atATime === undefined ? turn(asked) : crowd(asked)));
});
process.on('disconnect', () => process.exit());
