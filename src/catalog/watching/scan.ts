/** What tells one state of a file from another without reading it. */
export interface FileStat {
  ino: number;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
}

/** How a path was last seen. */
export interface FileState {
  /** null: it is not there any more. */
  stat: FileStat | null;
  /** Since when it has been seen like this, in monotonic ms. */
  since: number;
  /** It has been like this for long enough to count. */
  settled: boolean;
}

export interface ScanRules {
  /** A file that has not changed for this long is finished. */
  settleMs: number;
  /** A file that is missing, or empty, for this long is meant to be: editors delete and write anew, or cut to nothing first. */
  goneMs: number;
}

export interface ScanResult {
  sights: Map<string, FileState>;
  /** Paths whose present state counts from now on; also those that are again as they were. */
  settled: string[];
  /** Paths that count as removed from now on. */
  gone: string[];
  /** When to look again, in ms from now; undefined when all is settled. */
  waitMs: number | undefined;
}

/** Compares what is there now with what was there before. Pure: both clocks come in. */
export function scan(
  before: ReadonlyMap<string, FileState>,
  seen: ReadonlyMap<string, FileStat>,
  at: { wall: number; monotonic: number },
  rules: ScanRules,
): ScanResult {
  const sights = new Map<string, FileState>();
  const settled: string[] = [];
  const gone: string[] = [];
  let waitMs: number | undefined;
  const wait = (ms: number) => {
    waitMs = Math.min(waitMs ?? ms, ms);
  };

  for (const [path, stat] of seen) {
    const last = before.get(path);
    const same = last?.stat != null && isSame(last.stat, stat);
    if (same && last.settled) {
      sights.set(path, last);
      continue;
    }
    const needed = stat.size === 0 ? rules.goneMs : rules.settleMs;
    // A state that is seen for the first time may be old already: the file's own times say so.
    const age = at.wall - Math.max(stat.mtimeMs, stat.ctimeMs);
    const since = same ? last.since : at.monotonic - Math.min(Math.max(age, 0), needed);
    const rest = since + needed - at.monotonic;
    sights.set(path, { stat, since, settled: rest <= 0 });
    if (rest <= 0) settled.push(path);
    else wait(rest);
  }

  const arrived = new Set<number>();
  for (const [path, stat] of seen) if (!before.has(path)) arrived.add(stat.ino);
  for (const [path, last] of before) {
    if (seen.has(path)) continue;
    const since = last.stat === null ? last.since : at.monotonic;
    const moved = last.stat !== null && arrived.has(last.stat.ino);
    const rest = moved ? 0 : since + rules.goneMs - at.monotonic;
    if (rest <= 0) gone.push(path);
    else {
      sights.set(path, { stat: null, since, settled: false });
      wait(rest);
    }
  }
  return { sights, settled, gone, waitMs };
}

function isSame(a: FileStat, b: FileStat): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}
