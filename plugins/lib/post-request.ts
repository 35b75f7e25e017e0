import { type FetchOptions, GiveUp, RetryLater } from 'daruma';
import { Unclear } from './never-twice.ts';

/** Codes of a call that never reached its server. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
/** When a network says 429 without saying how long to wait. */
const DEFAULT_WAIT_S = 60;
const TIMEOUT = '20s';

/** An answer that was read. */
export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed where it is JSON, else the text. */
  body: unknown;
}

interface Asked {
  fetch(url: string, init: FetchOptions): Promise<Response>;
  /** For messages: `Mastodon`. */
  network: string;
  /** An answer of 500 and above: `unclear` where the post may be there all the same, `failed` where it is not. */
  serverError?: 'unclear' | 'failed';
  now?: () => number;
}

/**
 * Asks a network once. Resolves with an answer from 200 to 299 and with those in `also`; else throws: `RetryLater` for 429, `GiveUp` for an answer that stays the
 * same however often it is asked, {@link Unclear} where nobody knows what was done, and an Error where nothing was.
 */
export async function request(
  url: string,
  init: FetchOptions,
  { also = [], ...asked }: Asked & { also?: number[] },
): Promise<Answer> {
  let response: Response;
  try {
    response = await asked.fetch(url, { attempts: 1, timeout: TIMEOUT, ...init });
  } catch (error) {
    throw judgedError(error as FetchError, asked);
  }
  const { status, headers } = response;
  // The status says what was done; a text that does not come whole takes nothing back.
  const body = jsonOf(await response.text().catch(() => ''));
  const answer = { status, headers, body };
  if (response.ok || also.includes(status)) return answer;
  throw judgedAnswer(answer, asked);
}

type FetchError = Error & { code?: string; cause?: { code?: string }; plain?: { data?: { asked?: boolean } } };

function judgedError(error: FetchError, { network, serverError }: Asked): Error {
  if (error.code === 'ORIGIN_DOWN') {
    // The call that closed the door was out itself. Without a cause the server answered, with 500 or above.
    const isUnclear = error.plain?.data?.asked === true && (error.cause !== undefined || serverError !== 'failed');
    return isUnclear ? new Unclear(`${network} did not answer: ${error.message}`) : error;
  }
  if (error.code === 'NOT_IN_NEEDS' || error.code === 'CALL_INVALID') return error;
  if (NOT_SENT.has(error.cause?.code ?? '')) return error;
  return new Unclear(`${network} did not answer: ${error.message}`);
}

function judgedAnswer({ status, headers, body }: Answer, { network, serverError = 'unclear', now }: Asked): Error {
  const said = `${network} answered ${status}: ${excerpt(body)}`;
  const wait = waitOf(headers, (now ?? Date.now)());
  if (status === 429) return new RetryLater(said, { after: `${Math.min(wait ?? DEFAULT_WAIT_S, 86_400)}s` });
  if (status === 402) return new GiveUp(`${said}. The account has no credit left`);
  if (status === 401 || status === 403) return new GiveUp(`${said}. Look at the key and at what it may do`);
  if (status >= 500 || status === 408) {
    if (serverError === 'unclear') return new Unclear(said);
    return wait === null ? new Error(said) : new RetryLater(said, { after: `${Math.min(wait, 86_400)}s` });
  }
  return status >= 400 && status !== 409 && status !== 425 ? new GiveUp(said) : new Error(said);
}

/** Seconds that the network wants to be left alone: `Retry-After` in seconds or as a date, else `x-rate-limit-reset` (epoch seconds). */
function waitOf(headers: Headers, now: number): number | null {
  const said = headers.get('retry-after')?.trim();
  if (said) {
    const seconds = /^\d+(\.\d+)?$/.test(said) ? Number(said) : (Date.parse(said) - now) / 1_000;
    if (!Number.isNaN(seconds)) return Math.max(1, Math.ceil(seconds));
  }
  const reset = headers.get('x-rate-limit-reset') ?? headers.get('ratelimit-reset') ?? '';
  const at = /^\d{9,11}$/.test(reset) ? Number(reset) * 1_000 : Date.parse(reset);
  return Number.isNaN(at) ? null : Math.max(1, Math.ceil((at - now) / 1_000));
}

function excerpt(body: unknown): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `init` of a request with a JSON body. */
export function jsonInit(body: unknown, headers: Record<string, string> = {}): FetchOptions {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
