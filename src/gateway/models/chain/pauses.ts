import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';

/** Names of headers in lower case. */
type Headers = Readonly<Record<string, string>>;

/** A pause that a provider asks for is obeyed up to this length; a longer one is not believed. */
const LONGEST_MS = DAY_MS;
const SHORTEST_MS = 1_000;
/** Numbers from here on are seconds since 1970, and those from the second on ms. */
const EPOCH_SECONDS = 1_000_000_000;
const EPOCH_MS = 1_000_000_000_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/**
 * The pause in ms that a text means: `1.57s`, `2m59.56s`, `7.66ms`, `1h2m`, seconds (`33011.38`), an HTTP date, or a time
 * since 1970 in seconds or ms. null: none of these. Times that are past give 0.
 */
export function readPause(text: string, now: number): number | null {
  const said = text.trim();
  if (/^\d+(\.\d+)?$/.test(said)) {
    const number = Number(said);
    if (number >= EPOCH_MS) return Math.max(0, number - now);
    return number >= EPOCH_SECONDS ? Math.max(0, number * 1_000 - now) : number * 1_000;
  }
  if (/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(said)) {
    let sum = 0;
    for (const [, number, , unit] of said.matchAll(/(\d+(\.\d+)?)(ms|[smhd])/g)) sum += Number(number) * UNITS[unit!]!;
    return sum;
  }
  const date = /^[A-Z][a-z]{2},? /.test(said) || /^\d{4}-\d\d-\d\dT/.test(said) ? Date.parse(said) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

/**
 * The pause in ms that an answer asks for: by Retry-After, else by the reset of the limits that are used up, else by the
 * first reset of any, else by `try again in …` of its words. null: the answer asks for none that can be believed.
 */
export function pauseAsked(headers: Headers, words: string, now: number): number | null {
  const inMs = headers['retry-after-ms'];
  const asked =
    believed(inMs !== undefined && /^\d+$/.test(inMs) ? Number(inMs) : null) ??
    believed(headers['retry-after'] === undefined ? null : readPause(headers['retry-after'], now));
  if (asked !== null) return asked;
  const resets = resetsOf(headers, now);
  const spent = resets.filter(({ isSpent }) => isSpent);
  if (spent.length > 0) return Math.max(...spent.map(({ ms }) => ms));
  if (resets.length > 0) return Math.min(...resets.map(({ ms }) => ms));
  const said = /(?:try|retry) again in ((?:\d+(?:\.\d+)?(?:ms|[smhd]))+)/i.exec(words)?.[1];
  return believed(said === undefined ? null : readPause(said, now));
}

function resetsOf(headers: Headers, now: number): { ms: number; isSpent: boolean }[] {
  const found: { ms: number; isSpent: boolean }[] = [];
  for (const name in headers) {
    const of = /^x-ratelimit-reset-(.+)$/.exec(name)?.[1];
    const ms = of === undefined ? null : believed(readPause(headers[name]!, now));
    if (ms !== null) found.push({ ms, isSpent: Number(headers[`x-ratelimit-remaining-${of}`] ?? Number.NaN) <= 0 });
  }
  return found;
}

function believed(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) || ms > LONGEST_MS ? null : Math.max(SHORTEST_MS, Math.ceil(ms));
}
