import { type Bounds, isWithin } from './bounds.ts';
import { DAY_MS, GB, HOUR_MS, MB, MINUTE_MS } from './measures.ts';

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };
const BYTES: Record<string, number> = { B: 1, KB: 1024, MB, GB };
const THOUSANDS: Record<string, number> = { k: 1_000, M: 1_000_000, G: 1_000_000_000 };
/** A length or a size has no more letters than this; a text of megabytes must cost nothing. */
const LONGEST_TEXT = 64;

/** Why a value is refused, to be said after its name: `must be longer than nothing`. */
export type UnitProblem = string;

/**
 * The milliseconds of `250ms`, `10s`, `1.5h`, `2d`, or what is wrong: of anything else, a bare number included, and of
 * lengths outside of the bounds.
 */
export function readLength(said: unknown, bounds: Bounds): number | UnitProblem {
  const ms = numberIn(said, /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/, (unit) => MILLISECONDS[unit]!);
  if (ms === undefined) return 'is no length of time such as 250ms, 10s, 15m, 6h or 2d';
  if (ms < bounds.least)
    return bounds.least === 1 ? 'must be longer than nothing' : `is shorter than ${bounds.least}ms`;
  return ms <= bounds.most ? ms : `is longer than ${formatLongest(bounds.most)}`;
}

/** The bytes of `64MB`, `512KB`, `1.5GB` (powers of 1024, in any case), or what is wrong. */
export function readSize(said: unknown, bounds: Bounds): number | UnitProblem {
  const bytes = numberIn(said, /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB)$/i, (unit) => BYTES[unit.toUpperCase()]!);
  if (bytes === undefined) return 'is no size such as 64MB, 512KB or 1.5GB';
  if (bytes < bounds.least) return `is too small; the least is ${formatBound(bounds.least)}`;
  return bytes <= bounds.most ? bytes : `is too large; the most is ${formatBound(bounds.most)}`;
}

/** A whole number within the bounds, or what is wrong. Texts are none. */
export function readCount(said: unknown, bounds: Bounds): number | UnitProblem {
  if (isWithin(said, bounds)) return said === 0 ? 0 : said;
  return `is no whole number from ${bounds.least} to ${bounds.most}`;
}

/** Like {@link readCount}, for digits that people type. */
export function readCountText(text: string, bounds: Bounds): number | UnitProblem {
  return readCount(/^\s*-?\d{1,15}\s*$/.test(text) ? Number(text) : undefined, bounds);
}

/** The milliseconds of a text that was checked by {@link readLength}, perhaps by an older version with other bounds: the nearest within. */
export function checkedLength(text: string, bounds: Bounds): number {
  const ms = readLength(text, { least: 0, most: Number.POSITIVE_INFINITY });
  return typeof ms === 'number' ? nearest(ms, bounds) : bounds.least;
}

/** Like {@link checkedLength}: the bytes of a size. */
export function checkedSize(text: string, bounds: Bounds): number {
  const bytes = readSize(text, { least: 0, most: Number.POSITIVE_INFINITY });
  return typeof bytes === 'number' ? nearest(bytes, bounds) : bounds.least;
}

/** The tokens of `2M`, `1.5k` (powers of 1000) or a whole number, or what is wrong. */
export function readTokens(said: unknown, bounds: Bounds): number | UnitProblem {
  const tokens =
    typeof said === 'number' ? said : numberIn(said, /^(\d+(?:\.\d+)?)\s*(k|M|G)$/, (unit) => THOUSANDS[unit]!);
  if (tokens === undefined || !Number.isSafeInteger(tokens)) return 'is no number of tokens such as 4096, 500k or 2M';
  return isWithin(tokens, bounds) ? tokens : `is not within ${bounds.least} to ${bounds.most}`;
}

/** Like {@link checkedLength}: the tokens of a number or a text that was checked before. */
export function checkedTokens(said: string | number, bounds: Bounds): number {
  const tokens = readTokens(said, { least: 0, most: Number.MAX_SAFE_INTEGER });
  return typeof tokens === 'number' ? nearest(tokens, bounds) : bounds.least;
}

function nearest(value: number, { least, most }: Bounds): number {
  return Math.min(Math.max(value, least), most);
}

function numberIn(said: unknown, form: RegExp, factor: (unit: string) => number): number | undefined {
  if (typeof said !== 'string' || said.length > LONGEST_TEXT) return undefined;
  const match = form.exec(said.trim());
  return match ? Math.round(Number(match[1]) * factor(match[2]!)) : undefined;
}

/** `812ms`, `4.2s`, `3m 20s`, `18d 4h`: two units at most, for people. `?` for what is no length. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return '?';
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)}s`;
  const steps: [string, number][] = [
    ['d', DAY_MS],
    ['h', HOUR_MS],
    ['m', MINUTE_MS],
    ['s', 1_000],
  ];
  const first = steps.findIndex(([, size]) => ms >= size);
  const [unit, size] = steps[first]!;
  const whole = Math.floor(ms / size);
  const next = steps[first + 1];
  const rest = next ? Math.floor((ms - whole * size) / next[1]) : 0;
  return rest > 0 && next ? `${whole}${unit} ${rest}${next[0]}` : `${whole}${unit}`;
}

/** `96 MB`, `1.4 GB`, for people. `?` for what is no size. */
export function formatSize(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  if (bytes < BYTES.KB!) return `${bytes} B`;
  if (bytes < BYTES.MB!) return `${Math.round(bytes / BYTES.KB!)} KB`;
  if (bytes < BYTES.GB!) return `${Math.round(bytes / BYTES.MB!)} MB`;
  return `${(bytes / BYTES.GB!).toFixed(1)} GB`;
}

/** A bound of lengths: `24 days`. */
function formatLongest(ms: number): string {
  const days = ms / MILLISECONDS.d!;
  return Number.isInteger(days) ? `${days} days` : formatDuration(ms);
}

/** A bound of lengths as it can be written: `24d`. */
export function formatLengthBound(ms: number): string {
  const unit = ['d', 'h', 'm', 's'].find((one) => ms > 0 && ms % MILLISECONDS[one]! === 0) ?? 'ms';
  return `${ms / MILLISECONDS[unit]!}${unit}`;
}

/** A bound of sizes as it can be written: `16MB`. */
export function formatBound(bytes: number): string {
  const unit = ['GB', 'MB', 'KB'].find((one) => bytes % BYTES[one]! === 0) ?? 'B';
  return `${bytes / BYTES[unit]!}${unit}`;
}
