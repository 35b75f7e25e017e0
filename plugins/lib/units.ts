import { z } from 'daruma';

const BYTES: Record<string, number> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };
const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A setting that is a size as people write it: `512MB`, `2GB` (powers of 1024). Read it with {@link bytesOf}. */
export const size = () => z.string().regex(/^\d+(\.\d+)?(B|KB|MB|GB)$/, 'must be a size such as 512MB or 2GB');

/** A setting that is a length of time as people write it: `500ms`, `10s`, `5m`. Read it with {@link msOf}. */
export const duration = () =>
  z.string().regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'must be a length of time such as 500ms, 10s or 5m');

/** A setting that is an IANA time zone such as `Europe/Berlin`. */
export const timezone = () => z.string().refine(isZone, 'must be an IANA time zone such as Europe/Berlin');

/** Bytes of a text that {@link size} let through. */
export function bytesOf(text: string): number {
  const [, number, unit] = /^([\d.]+)(\w+)$/.exec(text)!;
  return Math.round(Number(number) * BYTES[unit!]!);
}

/** Milliseconds of a text that {@link duration} let through. */
export function msOf(text: string): number {
  const [, number, unit] = /^([\d.]+)(\w+)$/.exec(text)!;
  return Math.round(Number(number) * MILLISECONDS[unit!]!);
}

/** `0 B`, `96 MB`, `1.4 GB`. */
export function showBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 1024)} KB`;
  if (bytes < 1024 ** 3) return `${Math.round(bytes / 1024 ** 2)} MB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}

/** `812 ms`, `4.2 s`, `3 min 20 s`, `18 h 4 min`, `2 d 3 h`; `–` for null. */
export function showMs(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1_440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(ms / 3_600_000);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** `1,204`. */
export const showCount = (count: number): string => count.toLocaleString('en-US');

/** `1 job`, `1,204 jobs`. */
export const showMany = (count: number, one: string, many = `${one}s`): string =>
  `${showCount(count)} ${count === 1 ? one : many}`;

/** `$4.21`, `$0.0042`: dollars and cents, or two digits of less than ten cents. */
export const showMoney = (dollars: number): string =>
  dollars === 0 || dollars >= 0.1 ? `$${dollars.toFixed(2)}` : `$${Number(dollars.toPrecision(2))}`;

/** `99.9 %` of a share; rounded down, so that it says 100 % only when nothing is missing; `–` for null. */
export function showShare(share: number | null): string {
  if (share === null) return '–';
  const tenths = Math.floor(share * 1_000 + 1e-9);
  return tenths % 10 === 0 ? `${tenths / 10} %` : `${(tenths / 10).toFixed(1)} %`;
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
