import { describe, expect, test } from 'vitest';
import { threadWords } from '../../src/workers/inside/diagnostics.ts';
import {
  type FindPlace,
  type HeapProfile,
  hottest,
  idleShare,
  largestSites,
  mergedSites,
} from '../../src/workers/inside/profiles.ts';

/** Line n of the bundle is line n of the plugin. */
const find: FindPlace = (url, line) => (url === 'bundle' ? { file: 'plugins/p.ts', line } : undefined);
const frame = (functionName: string, url = '', lineNumber = -1) => ({ functionName, url, lineNumber, columnNumber: 0 });

describe('a CPU profile', () => {
  const nodes = [
    { id: 1, callFrame: frame('(root)'), children: [2, 6] },
    { id: 2, callFrame: frame('run', 'bundle', 9), children: [3, 5] },
    {
      id: 3,
      hitCount: 30,
      callFrame: frame('parse', 'bundle', 19),
      positionTicks: [{ line: 22, ticks: 30 }],
      children: [4],
    },
    { id: 4, hitCount: 20, callFrame: frame('readFileSync', 'node:fs', 400) },
    { id: 5, hitCount: 1, callFrame: frame('', 'node:internal/x', 1) },
    { id: 6, hitCount: 49, callFrame: frame('(idle)') },
  ];

  test('names lines of the author, puts the time of Node to the function that called it, and leaves out what is small or idle', () => {
    expect(hottest({ nodes }, find)).toEqual([
      { name: 'parse', file: 'plugins/p.ts', line: 22, share: 0.3 },
      { name: 'parse → readFileSync (node:fs)', file: 'plugins/p.ts', line: 20, share: 0.2 },
    ]);
    expect(idleShare({ nodes })).toBe(0.49);
    expect(idleShare({ nodes: [] })).toBeNull();
  });
});

describe('a heap profile', () => {
  const node = (callFrame: ReturnType<typeof frame>, selfSize: number, children: HeapProfile['head'][] = []) => ({
    callFrame,
    selfSize,
    children,
  });

  test('names who holds most, and two of them add up', () => {
    const tree = node(frame('(root)'), 0, [
      node(frame('keep', 'bundle', 4), 6_000, [node(frame('push'), 3_000)]),
      node(frame('(V8 API)'), 1_000),
    ]);
    const sites = largestSites({ head: tree }, find);
    expect(sites).toEqual([
      { name: 'keep', file: 'plugins/p.ts', line: 5, bytes: 6_000 },
      { name: 'keep → push', file: 'plugins/p.ts', line: 5, bytes: 3_000 },
      { name: '(V8 API)', file: null, line: null, bytes: 1_000 },
    ]);
    expect(mergedSites(sites, [sites[1]!, sites[1]!])[0]).toMatchObject({ name: 'keep → push', bytes: 9_000 });
  });
});

test.each([
  [{ loop: 1, waits: false, silentMs: 0, waitsIn: '' }, 'spins in JavaScript and lets nothing else run'],
  [{ loop: 1, waits: true, silentMs: 0, waitsIn: 'futex' }, 'sleeps in JavaScript and lets nothing else run (futex)'],
  [
    { loop: 0.05, waits: true, silentMs: 0, waitsIn: 'epoll' },
    'waits for a timer, a reply or a promise: its event loop is idle',
  ],
  [{ loop: 0.5, waits: false, silentMs: 0, waitsIn: '' }, 'is busy for 50 % of its time, and its event loop turns'],
  [
    { loop: 1, waits: true, silentMs: 750, waitsIn: 'pipe' },
    'seems to wait in native code (pipe): it has not answered for 750 ms',
  ],
  [
    { loop: 1, waits: false, silentMs: 750, waitsIn: '' },
    'seems to compute in native code: it has not answered for 750 ms',
  ],
])('a thread with %o is told as: %s', (signs, words) => {
  expect(threadWords(signs)).toBe(words);
});
