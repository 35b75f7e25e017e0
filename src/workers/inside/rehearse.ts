import { Fault } from '../../kernel/fault.ts';
import type { PluginDefinition } from '../../plugin/define.ts';
import type { FetchAnswer, Rehearsal } from '../rehearsal.ts';
import type { BareCall } from '../wire.ts';
import { recordUses } from './uses.ts';

const SAMPLE_MS = 50;
/** A peak is told again when it has grown by this much. */
const STEP_BYTES = 256 * 1024;
const MOST_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers that have no body by definition. */
const BODYLESS = new Set([101, 204, 205, 304]);

/** Puts under test whatever the thread loads after it; called before the fences, so that they stand as they always do. `models`: their address, which is never real. */
export function rehearseAttempt(
  terms: Pick<Rehearsal, 'now' | 'net' | 'learns'>,
  ask: (call: BareCall) => Promise<unknown>,
  models: string | undefined,
) {
  const { getHeapStatistics } = process.getBuiltinModule('node:v8');
  const setTime = terms.now === null ? undefined : turnClock(terms.now);
  if (terms.net === 'asked') {
    globalThis.fetch = askingFetch(ask);
    closeSockets();
  } else if (models !== undefined) {
    const [real, asked] = [globalThis.fetch, askingFetch(ask)];
    globalThis.fetch = async (input, init) => (urlOf(input).startsWith(models) ? asked : real)(input, init);
  }

  const uses = terms.learns ? recordUses() : undefined;

  async function sendUses() {
    const taken = uses?.take() ?? [];
    if (taken.length > 0) await ask({ ask: 'used', uses: taken }).catch(() => {});
  }

  return {
    uses,
    /** The plugin with a clock that begins with `run`, and an account of the memory that it held. */
    watching(plugin: PluginDefinition): PluginDefinition {
      return {
        ...plugin,
        async run(context) {
          let sentCount = 0;
          const send = async () => {
            await sendUses();
            const { used_heap_size, external_memory } = getHeapStatistics();
            const bytes = used_heap_size + external_memory;
            if (bytes < sentCount + STEP_BYTES) return;
            sentCount = bytes;
            await ask({ ask: 'held', bytes }).catch(() => {});
          };
          setTime?.();
          await send();
          const timer = setInterval(send, SAMPLE_MS);
          try {
            return await plugin.run(context);
          } finally {
            clearInterval(timer);
            await send();
          }
        },
      };
    },
  };
}

function urlOf(input: string | URL | Request): string {
  return typeof input === 'object' && 'url' in input ? input.url : String(input);
}

/** How often a request was sent on by redirects. */
const redirectsOf = new WeakMap<object, number>();

/** A `fetch` whose answers are somebody else's: everything around them (signals, bodies, redirects) is as it always is. */
function askingFetch(ask: (call: BareCall) => Promise<unknown>): typeof fetch {
  return async function fetch(input, init) {
    const called = new Error('fetch');
    const redirects = (typeof input === 'object' && redirectsOf.get(input)) || 0;
    const request = new Request(input, init);
    const { method, url, signal } = request;
    signal.throwIfAborted();
    const body = request.body === null ? null : Buffer.from(await request.arrayBuffer());
    const asked = { method, url, headers: [...request.headers], body: body?.toString('base64') ?? null };
    const answer = (await unlessAborted(ask({ ask: 'fetch', request: asked }), signal, called)) as FetchAnswer;
    const response = responseOf(answer, url, redirects > 0);
    const location = REDIRECTS.has(answer.status) ? response.headers.get('location') : null;
    if (location === null || request.redirect === 'manual') return response;
    if (request.redirect === 'error' || redirects === MOST_REDIRECTS) {
      const cause = new Error(redirects === MOST_REDIRECTS ? 'redirect count exceeded' : 'unexpected redirect');
      throw new TypeError('fetch failed', { cause });
    }
    const asGet = answer.status === 303 || (answer.status < 303 && method === 'POST');
    const sent = asGet || body === null ? {} : { body };
    const next = new Request(new URL(location, url), {
      method: asGet ? 'GET' : method,
      headers: request.headers,
      signal,
      ...sent,
    });
    redirectsOf.set(next, redirects + 1);
    // Through the fence that stands before it by now: where a redirect leads has to be allowed, too.
    return globalThis.fetch(next);
  };
}

function responseOf({ status, statusText, headers, body }: FetchAnswer, url: string, redirected: boolean): Response {
  const bytes = body === null || BODYLESS.has(status) ? null : Buffer.from(body, 'base64');
  const response = new Response(bytes, { status, statusText, headers });
  Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } });
  return response;
}

/** Rejects with the signal's reason, at the place where `fetch` was called: that is where the plugin waited. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal, called: Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      const reason: unknown = signal.reason;
      if (reason instanceof Error) {
        reason.stack = `${reason.name}: ${reason.message}\n${called.stack?.split('\n').slice(1).join('\n') ?? ''}`;
      }
      reject(reason);
    };
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** A connection that does not go through `fetch` cannot be answered from records, and is refused. */
function closeSockets(): void {
  const { Socket } = process.getBuiltinModule('node:net');
  Socket.prototype.connect = function (this: import('node:net').Socket) {
    return this.destroy(
      new Fault({
        code: 'NOT_RECORDED',
        message: 'only fetch is answered here; this is a connection of another kind',
        next: "use fetch, or, in a test of your own, say http: 'real'",
      }),
    );
  } as typeof Socket.prototype.connect;
}

/**
 * Turns the thread's wall clock (`Date`, `Temporal.Now`) to `epochMs`; from there it goes on at its usual pace. The
 * function that is returned turns it to the same time again. Timers and monotonic clocks stay as they are.
 */
function turnClock(epochMs: number): () => void {
  const Plain = globalThis.Date;
  let base = 0;
  const turn = () => {
    base = epochMs - performance.now();
  };
  const now = () => Math.floor(base + performance.now());
  turn();

  const Turned = new Proxy(Plain, {
    apply: () => new Plain(now()).toString(),
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  });
  // `date.constructor` has to be what the plugin knows as Date.
  Plain.prototype.constructor = Turned;
  globalThis.Date = Turned;

  const { Now } = Temporal;
  const instant = () => Temporal.Instant.fromEpochMilliseconds(now());
  const zoned = (zone?: Temporal.TimeZoneLike) => instant().toZonedDateTimeISO(zone ?? Now.timeZoneId());
  Object.assign(Now, {
    instant,
    zonedDateTimeISO: zoned,
    plainDateTimeISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainDateTime(),
    plainDateISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainDate(),
    plainTimeISO: (zone?: Temporal.TimeZoneLike) => zoned(zone).toPlainTime(),
  });
  return turn;
}
