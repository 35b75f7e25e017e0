/** `daruma.2026-11-22.3.log`, or the same with `.zst` once it is compressed: the stream, the day, the number on that day. */
const NAME = /^(.+)\.(\d{4}-\d{2}-\d{2})\.(\d+)\.log(\.zst)?$/;

/** The ending of a log file that is compressed. */
export const COMPRESSED = '.zst';

/** The name of a log file in its parts; undefined for another name. */
export function logNameOf(name: string): { stream: string; isCompressed: boolean } | undefined {
  const match = NAME.exec(name);
  return match ? { stream: match[1]!, isCompressed: match[4] !== undefined } : undefined;
}

/** The name that a log file had before it was compressed. */
export function plainLogName(name: string): string {
  return name.endsWith(COMPRESSED) ? name.slice(0, -COMPRESSED.length) : name;
}

/** Compares names of log files: by day, then by number, then by letters; names of another form come first. */
export function compareLogNames(a: string, b: string): number {
  const [before, after] = [keyOf(a), keyOf(b)];
  if (before !== after) return before < after ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function keyOf(name: string): string {
  const match = NAME.exec(name);
  return match ? `${match[2]} ${match[3]!.padStart(9, '0')}` : '';
}
