/** One line of a comparison: it stands in both texts, or only in the old or the new one. */
export interface DiffLine {
  sign: ' ' | '-' | '+';
  text: string;
}

/** A stretch of changed lines with some of their neighbours. Lines count from 1. */
export interface Hunk {
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  lines: DiffLine[];
}

const CONTEXT = 3;
/** Texts that differ in more lines than this are told as replaced: nobody reads such a comparison. */
const MOST_EDITS = 1_000;

/** What changed from one text to another, line by line, with 3 lines around each change; empty when nothing did. */
export function diffLines(before: string, after: string): Hunk[] {
  const all = compare(linesOf(before), linesOf(after));
  const hunks: Hunk[] = [];
  let oldLine = 1;
  let newLine = 1;
  let hunk: Hunk | undefined;
  let quiet = 0;
  for (const [at, line] of all.entries()) {
    if (line.sign !== ' ') {
      if (!hunk) {
        const lead = all.slice(Math.max(0, at - CONTEXT), at);
        const context = lead.slice(lead.findLastIndex(({ sign }) => sign !== ' ') + 1);
        const start = { oldStart: oldLine - context.length, newStart: newLine - context.length };
        hunk = { ...start, oldLines: 0, newLines: 0, lines: context };
        hunks.push(hunk);
      }
      quiet = 0;
      hunk.lines.push(line);
    } else if (hunk) {
      quiet += 1;
      // Two changes that are so near share their neighbours.
      if (quiet > 2 * CONTEXT) {
        hunk.lines.length -= CONTEXT;
        hunk = undefined;
      } else hunk.lines.push(line);
    }
    if (line.sign !== '+') oldLine += 1;
    if (line.sign !== '-') newLine += 1;
  }
  if (hunk && quiet > CONTEXT) hunk.lines.length -= quiet - CONTEXT;
  for (const one of hunks) {
    one.oldLines = one.lines.filter(({ sign }) => sign !== '+').length;
    one.newLines = one.lines.filter(({ sign }) => sign !== '-').length;
  }
  return hunks;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

/** The shortest way from one list to the other (Myers). */
function compare(a: readonly string[], b: readonly string[]): DiffLine[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const kept = (text: string): DiffLine => ({ sign: ' ', text });
  const middle = edits(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...a.slice(0, head).map(kept), ...middle, ...a.slice(a.length - tail).map(kept)];
}

function edits(a: readonly string[], b: readonly string[]): DiffLine[] {
  const rounds: Map<number, number>[] = [];
  let reached = new Map<number, number>([[1, 0]]);
  for (let edit = 0; edit <= Math.min(a.length + b.length, MOST_EDITS); edit++) {
    rounds.push(reached);
    const next = new Map(reached);
    for (let k = -edit; k <= edit; k += 2) {
      const isDown = k === -edit || (k !== edit && (next.get(k - 1) ?? -1) < (next.get(k + 1) ?? -1));
      let x = isDown ? (next.get(k + 1) ?? 0) : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, rounds);
    }
    reached = next;
  }
  return [...a.map((text): DiffLine => ({ sign: '-', text })), ...b.map((text): DiffLine => ({ sign: '+', text }))];
}

function walkBack(a: readonly string[], b: readonly string[], rounds: readonly Map<number, number>[]): DiffLine[] {
  const lines: DiffLine[] = [];
  let x = a.length;
  let y = b.length;
  for (let edit = rounds.length - 1; edit >= 0; edit--) {
    const reached = rounds[edit]!;
    const k = x - y;
    const isDown = k === -edit || (k !== edit && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
    const fromK = isDown ? k + 1 : k - 1;
    const fromX = edit === 0 ? 0 : (reached.get(fromK) ?? 0);
    const fromY = edit === 0 ? 0 : fromX - fromK;
    while (x > fromX && y > fromY && x > 0 && y > 0 && a[x - 1] === b[y - 1]) {
      lines.push({ sign: ' ', text: a[x - 1]! });
      x -= 1;
      y -= 1;
    }
    if (edit === 0) break;
    if (isDown) lines.push({ sign: '+', text: b[y - 1]! });
    else lines.push({ sign: '-', text: a[x - 1]! });
    x = fromX;
    y = fromY;
  }
  return lines.reverse();
}
