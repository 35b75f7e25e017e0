export interface LogFile {
  /** Relative to the folder, with `/`. */
  path: string;
  bytes: number;
  /** Last written, epoch ms. */
  writtenAt: number;
}

/**
 * What a log file belongs to: its path without date, number and ending, so that `host/host.2026-11-22.3.log` and
 * `host/host.2026-11-21.1.log.zst` are one stream.
 */
export function streamOf(path: string): string {
  const bare = path.replace(/\.(gz|zst)$/, '').replace(/\.(log|jsonl|ndjson|txt)$/, '');
  return bare.replace(/([.-](\d{4}-\d{2}-\d{2}(-\d{2})?|\d+))+$/, '');
}

/**
 * Which files go: rotated ones older than `keepMs`, then the oldest until all fit in `budget` bytes. The newest file of
 * each stream never goes: somebody has it open, and writing to a deleted file would fill the disk unseen.
 */
export function planCleanup(
  files: readonly LogFile[],
  limits: { budget: number; keepMs: number; now: number },
): LogFile[] {
  const open = newestOfEach(files);
  const rotated = files.filter((file) => !open.has(file)).sort(byAge);
  let left = files.reduce((sum, file) => sum + file.bytes, 0);
  const going: LogFile[] = [];
  for (const file of rotated) {
    if (limits.now - file.writtenAt <= limits.keepMs && left <= limits.budget) continue;
    going.push(file);
    left -= file.bytes;
  }
  return going;
}

function newestOfEach(files: readonly LogFile[]): Set<LogFile> {
  const newest = new Map<string, LogFile>();
  for (const file of files) {
    const rival = newest.get(streamOf(file.path));
    if (!rival || byAge(rival, file) < 0) newest.set(streamOf(file.path), file);
  }
  return new Set(newest.values());
}

/** Oldest first; within one instant by number, so that `.10` is newer than `.9`. */
function byAge(a: LogFile, b: LogFile): number {
  return a.writtenAt - b.writtenAt || a.path.localeCompare(b.path, 'en', { numeric: true });
}
