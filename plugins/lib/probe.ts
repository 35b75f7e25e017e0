import { type FetchOptions, z } from 'daruma';
import { duration, msOf, showMs } from './units.ts';

/** What is expected of one URL. */
export const endpoint = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('What to ask for with GET; its host must be in needs.net.'),
  expect: z
    .union([z.int().min(100).max(599), z.string().regex(/^[1-5]\d\d-[1-5]\d\d$/, 'must be like 200-299')])
    .default('200-399')
    .describe('The status that is good, such as 200, or a range such as 200-299.'),
  slowAfter: duration().default('500ms').describe('An answer that takes longer is a failure.'),
  contains: z.string().min(1).optional().describe('A text that the first megabyte of the answer must hold.'),
});

export type Endpoint = z.output<typeof endpoint>;

export interface Probe {
  url: string;
  /** null when no answer came. */
  status: number | null;
  /** Until the head of the answer, or with `contains` until its text was read. */
  ms: number;
  /** What is wrong, in words; null when all is well. */
  problem: string | null;
  /** Set when the server asked not to be asked so often. */
  retryAfterMs: number | null;
}

const READ_AT_MOST = 1024 ** 2;
/** When a server says 429 or 503 without saying how long to wait. */
const DEFAULT_WAIT_MS = 60_000;

/** Asks for the URL once and judges the answer. Never rejects: what went wrong is the `problem`. */
export async function probe(
  wanted: Endpoint,
  ask: (url: string, init: FetchOptions) => Promise<Response>,
  limits: { timeoutMs: number; signal: AbortSignal },
): Promise<Probe> {
  const begun = performance.now();
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  const [low, high] = rangeOf(wanted.expect);
  // Who expects a redirect wants to see it; everybody else wants to know what stands behind it.
  const redirect = low >= 300 && high < 400 ? 'manual' : 'follow';
  const took = () => Math.round(performance.now() - begun);
  try {
    // Once: what is measured is this call, not the best of three.
    const signal = AbortSignal.any([limits.signal, timeout]);
    const answer = await ask(wanted.url, { redirect, signal, attempts: 1 });
    const found = wanted.contains === undefined || (await holds(answer, wanted.contains));
    const ms = took();
    await answer.body?.cancel().catch(() => {});
    const facts = { url: wanted.url, status: answer.status, ms };
    if (answer.status < low || answer.status > high) {
      const problem = `status ${answer.status} after ${showMs(ms)}, expected ${low === high ? low : `${low}-${high}`}`;
      return { ...facts, problem, retryAfterMs: waitOf(answer) };
    }
    if (!found) return { ...facts, problem: `the answer does not hold "${wanted.contains}"`, retryAfterMs: null };
    const slow = ms > msOf(wanted.slowAfter);
    const problem = slow ? `slow: ${showMs(ms)}, expected at most ${wanted.slowAfter}` : null;
    return { ...facts, problem, retryAfterMs: null };
  } catch (error) {
    const problem = timeout.aborted ? `no answer within ${showMs(limits.timeoutMs)}` : reasonOf(error);
    return { url: wanted.url, status: null, ms: took(), problem, retryAfterMs: null };
  }
}

function rangeOf(expect: number | string): [low: number, high: number] {
  if (typeof expect === 'number') return [expect, expect];
  const [low, high] = expect.split('-').map(Number);
  return [low!, high!];
}

/** How long a server that is too busy (429, 503 with a time) asks to be left alone; null for all other answers. */
function waitOf({ status, headers }: Response): number | null {
  const said = headers.get('retry-after');
  if (status !== 429 && !(status === 503 && said)) return null;
  if (!said) return DEFAULT_WAIT_MS;
  const ms = /^\d+$/.test(said.trim()) ? Number(said) * 1_000 : Date.parse(said) - Date.now();
  return Number.isNaN(ms) ? DEFAULT_WAIT_MS : Math.max(1_000, ms);
}

async function holds(answer: Response, text: string): Promise<boolean> {
  const decoder = new TextDecoder();
  let read = 0;
  let body = '';
  for await (const chunk of answer.body ?? []) {
    read += chunk.byteLength;
    body += decoder.decode(chunk, { stream: true });
    if (body.includes(text)) return true;
    if (read >= READ_AT_MOST) break;
  }
  return false;
}

/** `fetch` says only "fetch failed"; the cause knows why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? reasonOf(error.cause) : '';
  const own = error.message || ('code' in error ? String(error.code) : error.name);
  return cause === '' ? own : own === 'fetch failed' ? cause : `${own}: ${cause}`;
}
