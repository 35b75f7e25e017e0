import { Fault } from '../../kernel/fault.ts';
import { formatDuration } from '../../kernel/units.ts';
import { askedAt } from './calls.ts';

/** The part of an answer that did not come in time: its beginning, or its next chunk. */
type Missing = 'headers' | 'body';

interface FetchCallFacts {
  url: string;
  secrets: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** Where the plugin called. */
  asked: Error;
}

/**
 * The fault of a call whose time was over, at the plugin's line. The error is called TimeoutError, like that of any
 * `fetch`.
 */
export function fetchTimeout(missing: Missing, { url, secrets, timeoutMs, asked }: FetchCallFacts): Fault {
  const address = shownUrl(url, secrets);
  const within = formatDuration(timeoutMs);
  const message =
    missing === 'headers'
      ? `${address} did not answer within ${within}`
      : `${address} sent nothing for ${within} in the middle of its answer`;
  const next = `fetch(url, { timeout: '${longer(timeoutMs)}' })`;
  const fault = new Fault({ code: 'FETCH_TIMEOUT', message, next, data: { url: address, timeoutMs, missing } });
  Object.defineProperty(fault, 'name', { value: 'TimeoutError' });
  return askedAt(fault, asked);
}

/**
 * The URL without parts that may be secret: user and password, the query, and the agent's secrets wherever they stand.
 */
function shownUrl(text: string, secrets: Readonly<Record<string, string>>): string {
  const url = new URL(text);
  let shown = `${url.origin}${url.pathname}${url.search ? '?…' : ''}`;
  for (const value of Object.values(secrets)) {
    if (value !== '') shown = shown.replaceAll(value, '…').replaceAll(encodeURIComponent(value), '…');
  }
  return shown;
}

function longer(ms: number): string {
  return ms < 60_000 ? '2m' : `${Math.ceil((2 * ms) / 60_000)}m`;
}

interface IdleWatch {
  /** Called when the server has been silent for as long as it may; the returned function stops the clock. */
  arm(silent: () => void): () => void;
  /** A part of the answer is there. */
  progress(): void;
  /** Ends the call, and says with what. */
  giveUp(): Fault;
}

/**
 * The same answer, whose body fails when the server sends nothing for too long while somebody waits for it. A body that
 * goes on, however slowly, may take as long as its job.
 */
export function withIdleLimit(response: Response, watch: IdleWatch): Response {
  if (response.body === null) return response;
  let reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  const body = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      // Not earlier: a body that is never read is collected with its response.
      reader ??= response.body!.getReader();
      let silent: Fault | undefined;
      const disarm = watch.arm(() => {
        silent = watch.giveUp();
        controller.error(silent);
      });
      try {
        const { done, value } = await reader.read();
        disarm();
        if (silent) return;
        watch.progress();
        if (!done) return controller.enqueue(value);
        controller.close();
        controller.byobRequest?.respond(0);
      } catch (error) {
        disarm();
        if (!silent) controller.error(error);
      }
    },
    cancel: (reason) => (reader ? reader.cancel(reason) : response.body!.cancel(reason)),
  });
  const { status, statusText, headers } = response;
  return like(response, new Response(body, { status, statusText, headers }));
}

/** Gives an answer what only a network can give it. */
function like(original: Response, copy: Response): Response {
  const { url, redirected, type, headers } = original;
  const clone = copy.clone.bind(copy);
  const own = { url, redirected, type, headers, clone: () => like(original, clone()) };
  for (const [key, value] of Object.entries(own)) Object.defineProperty(copy, key, { value, configurable: true });
  return copy;
}
