/** The facts that distinguish one state of a file from another without reading it. */
export interface FileStat {
  ino: number;
  size: number;
  mtimeMs: number;
  ctimeMs: number;
}

/** The last seen state of a path. */
export interface FileState {
  /** Null: the file is not there any more. */
  stat: FileStat | null;
  /** Begin of that state, in monotonic ms. */
  since: number;
  /** Whether the state has lasted long enough to count. */
  settled: boolean;
}

/** The times after which a state of a file counts. */
export interface ScanRules {
  /** A file that has not changed for this long is finished. */
  settleMs: number;
  /** A file that is missing, or empty, for this long is meant to be: editors delete and write anew, or cut to nothing first. */
  goneMs: number;
}

/** The states of all paths, and what counts from now on. */
export interface ScanResult {
  states: Map<string, FileState>;
  /** Paths whose present state counts from now on; also those that are again as they were. */
  settled: string[];
  /** Paths that count as removed from now on. */
  gone: string[];
  /** Time until the next scan, in ms; undefined when all is settled. */
  waitMs: number | undefined;
}

/** The present, by the wall's clock and by the machine's own, in ms. */
interface ScanTime {
  wall: number;
  monotonic: number;
}

/** Compares the files that are there now with those that were there before. Pure: both clocks come in. */
export function scan(
  before: ReadonlyMap<string, FileState>,
  seen: ReadonlyMap<string, FileStat>,
  at: ScanTime,
  rules: ScanRules,
): ScanResult {
  const result: ScanResult = { states: new Map(), settled: [], gone: [], waitMs: undefined };
  for (const [path, stat] of seen) {
    const last = before.get(path);
    const { state, restMs } = stateOf(stat, last, at, rules);
    result.states.set(path, state);
    if (restMs > 0) wait(restMs);
    else if (state !== last) result.settled.push(path);
  }
  const arrived = new Set([...seen].flatMap(([path, { ino }]) => (before.has(path) ? [] : ino)));
  for (const [path, last] of before) {
    if (seen.has(path)) continue;
    const since = last.stat === null ? last.since : at.monotonic;
    const isMoved = last.stat !== null && arrived.has(last.stat.ino);
    const restMs = isMoved ? 0 : since + rules.goneMs - at.monotonic;
    if (restMs <= 0) result.gone.push(path);
    else {
      result.states.set(path, { stat: null, since, settled: false });
      wait(restMs);
    }
  }
  return result;

  function wait(ms: number) {
    result.waitMs = Math.min(result.waitMs ?? ms, ms);
  }
}

/** The state of a file that is there, and in how many ms it counts; `last` itself when nothing of it has changed. */
function stateOf(
  stat: FileStat,
  last: FileState | undefined,
  at: ScanTime,
  rules: ScanRules,
): { state: FileState; restMs: number } {
  const isAsBefore = last?.stat != null && isSame(last.stat, stat);
  if (isAsBefore && last.settled) return { state: last, restMs: 0 };
  const needed = stat.size === 0 ? rules.goneMs : rules.settleMs;
  // A state that is seen for the first time may be old already: the file's own times say so.
  const age = at.wall - Math.max(stat.mtimeMs, stat.ctimeMs);
  const since = isAsBefore ? last.since : at.monotonic - Math.min(Math.max(age, 0), needed);
  const restMs = since + needed - at.monotonic;
  return { state: { stat, since, settled: restMs <= 0 }, restMs };
}

function isSame(a: FileStat, b: FileStat): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}
