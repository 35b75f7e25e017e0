/** A profile of `worker.startCpuProfile()`, as far as it is read. */
export interface CpuProfile {
  nodes: {
    id: number;
    hitCount?: number;
    callFrame: CallFrame;
    children?: number[];
    /** Lines count from 1. */
    positionTicks?: { line: number; ticks: number }[];
  }[];
}

/** A profile of `worker.startHeapProfile()`, as far as it is read. */
export interface HeapProfile {
  head: HeapNode;
}

interface HeapNode {
  callFrame: CallFrame;
  selfSize: number;
  children: HeapNode[];
}

/** Lines and columns count from 0; −1 is none. */
interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

interface Site {
  name: string;
  file: string | null;
  line: number | null;
}

/**
 * The author's place of a place in a script, both counted from 1; undefined for code that is not the author's. No
 * column: the line's first code. The line is null for time that was spent in `run` itself at an unknown line.
 */
export type FindPlace = (
  url: string,
  line: number,
  column?: number,
) => { file: string; line: number | null } | undefined;

type CpuNode = CpuProfile['nodes'][number];

const SHOWN = 5;
const LONGEST_NAME = 120;
const LEAST_SHARE = 0.02;
/** V8's names for time in which no code of an author ran. */
const NOBODY = new Set(['(idle)', '(program)', '(root)']);

/**
 * Where the time went: function and line of the author's code with their share of all samples, largest first, at most
 * five. Time in Node or V8 is put to the author's function that called it, `parse → readFileSync`. The line is exact; the
 * name may be that of a function further out, because V8 builds small functions into the code of their callers.
 */
export function hottest(profile: CpuProfile, find: FindPlace): (Site & { share: number })[] {
  const parents = new Map<number, CpuNode>();
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node);
  const sum = new Sums();
  let total = 0;
  for (const node of profile.nodes) {
    const hits = node.hitCount ?? 0;
    total += hits;
    if (hits === 0 || NOBODY.has(node.callFrame.functionName)) continue;
    const own = siteOf(node.callFrame, find);
    if (own.file !== null) {
      for (const { line, ticks } of node.positionTicks ?? []) {
        const at = find(node.callFrame.url, line);
        sum.add(at ? { name: own.name, ...at } : own, ticks);
      }
      continue;
    }
    let caller = parents.get(node.id);
    while (caller && siteOf(caller.callFrame, find).file === null) caller = parents.get(caller.id);
    sum.add(caller ? within(siteOf(caller.callFrame, find), own.name) : own, hits);
  }
  return sum.largest(total).map(({ site, amount }) => ({ ...site, share: Math.round((amount / total) * 100) / 100 }));
}

/** For which share of its samples the event loop had nothing to do; null without any sample. */
export function idleShare({ nodes }: CpuProfile): number | null {
  let idle = 0;
  let total = 0;
  for (const { hitCount = 0, callFrame } of nodes) {
    total += hitCount;
    if (callFrame.functionName === '(idle)') idle += hitCount;
  }
  return total === 0 ? null : idle / total;
}

/**
 * Functions that allocated most of the memory still held: function and line of the author's code with bytes, largest
 * first, at most five.
 */
export function largestSites(profile: HeapProfile, find: FindPlace): (Site & { bytes: number })[] {
  const sum = new Sums();
  let total = 0;
  const open: { node: HeapNode; caller: Site | undefined }[] = [{ node: profile.head, caller: undefined }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, caller } = next;
    const own = siteOf(node.callFrame, find);
    const isAuthors = own.file !== null;
    total += node.selfSize;
    if (node.selfSize > 0) sum.add(isAuthors || !caller ? own : within(caller, own.name), node.selfSize);
    for (const child of node.children) open.push({ node: child, caller: isAuthors ? own : caller });
  }
  return sum.largest(total).map(({ site, amount }) => ({ ...site, bytes: amount }));
}

/** Two looks as one: what both found at the same site is added. */
export function mergedSites<S extends Site & { bytes: number }>(older: readonly S[], newer: readonly S[]): S[] {
  const all = new Map<string, S>();
  for (const site of [...older, ...newer]) {
    const known = all.get(keyOf(site));
    all.set(keyOf(site), known ? { ...known, bytes: known.bytes + site.bytes } : site);
  }
  return [...all.values()].sort((a, b) => b.bytes - a.bytes).slice(0, SHOWN);
}

class Sums {
  readonly #sums = new Map<string, { site: Site; amount: number }>();

  add(site: Site, amount: number): void {
    const known = this.#sums.get(keyOf(site));
    if (known) known.amount += amount;
    else this.#sums.set(keyOf(site), { site, amount });
  }

  largest(total: number): { site: Site; amount: number }[] {
    return [...this.#sums.values()]
      .filter(({ amount }) => amount >= LEAST_SHARE * total)
      .sort((a, b) => b.amount - a.amount)
      .slice(0, SHOWN);
  }
}

function siteOf({ functionName, url, lineNumber, columnNumber }: CallFrame, find: FindPlace): Site {
  const name = (functionName || '(anonymous)').slice(0, LONGEST_NAME);
  const at = url === '' || lineNumber < 0 ? undefined : find(url, lineNumber + 1, columnNumber + 1);
  if (at) return { name: at.line === null ? 'run' : name, ...at };
  return { name: url.startsWith('node:') ? `${name} (${url})` : name, file: null, line: null };
}

const within = (caller: Site, name: string): Site => ({ ...caller, name: `${caller.name} → ${name}` });

const keyOf = ({ name, file, line }: Site) => `${name} ${file} ${line}`;
