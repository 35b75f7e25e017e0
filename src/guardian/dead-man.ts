import type { DeadManTerms } from '../kernel/pulse.ts';
import type { Time } from '../kernel/time.ts';

/**
 * Pings an address outside of this machine while all is well, as Healthchecks takes it: `/start` when a host begins, the address itself, and
 * `/fail` with the reason. The address is a secret: it is in no line and no error.
 */
export interface DeadMan {
  /** A host has begun, and these are its terms; null: nobody is pinged. */
  begin(terms: DeadManTerms | null): void;
  /** A look at the host, about once a second: pings when it is time and all is well. */
  look(isWell: boolean, words: string): void;
  /** The host is lost; `why` is a sentence. Pings at once. */
  fail(why: string): void;
  /** Resolves when what is under way has ended, within some seconds. */
  stop(): Promise<void>;
}

interface DeadManNeeds {
  time: Pick<Time, 'monotonic'>;
  /** A sentence for people: the address is not reached, or is again. */
  say(text: string): void;
}

const WITHIN_MS = 10_000;
/** A ping that failed is tried again so soon. */
const AGAIN_MS = 10_000;
const LAST_WITHIN_MS = 3_000;
const MOST_BODY = 1_000;

export function createDeadMan({ time, say }: DeadManNeeds): DeadMan {
  let terms: DeadManTerms | null = null;
  let dueAt = Number.NEGATIVE_INFINITY;
  let isReached = true;
  const under = new Set<Promise<void>>();

  async function send(path: '' | '/start' | '/fail', body: string) {
    if (!terms) return;
    const problem = await post(`${terms.url}${path}`, body.slice(0, MOST_BODY));
    if (problem === undefined && !isReached) say('the dead man is reached again');
    if (problem !== undefined && isReached) say(`the dead man is not reached: ${problem}`);
    isReached = problem === undefined;
    if (!isReached) dueAt = Math.min(dueAt, time.monotonic() + AGAIN_MS);
  }

  function start(path: '' | '/start' | '/fail', body: string) {
    const work = send(path, body).finally(() => under.delete(work));
    under.add(work);
  }

  return {
    begin(next) {
      terms = next;
      dueAt = Number.NEGATIVE_INFINITY;
      if (terms) start('/start', 'a host begins');
    },
    look(isWell, words) {
      const now = time.monotonic();
      if (!terms || !isWell || now < dueAt) return;
      dueAt = now + terms.everyMs;
      start('', words);
    },
    fail: (why) => start('/fail', why),
    async stop() {
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, LAST_WITHIN_MS);
      await Promise.race([Promise.all(under), late.promise]);
      clearTimeout(timer);
    },
  };
}

/** Resolves with the code of the failure; undefined: the server took it. Errors of Node name the host, never the path. */
async function post(url: string, body: string): Promise<string | undefined> {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  return new Promise((resolve) => {
    const call = request(url, { method: 'POST', timeout: WITHIN_MS, headers: { 'content-type': 'text/plain' } });
    call.once('response', (answer) => {
      answer.resume();
      const { statusCode = 0 } = answer;
      resolve(statusCode >= 200 && statusCode < 300 ? undefined : `it answered ${statusCode}`);
    });
    call.once('timeout', () => {
      resolve('no answer in time');
      call.destroy();
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'no connection'));
    call.end(body);
  });
}
