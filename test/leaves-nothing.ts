import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';

/** What the next file of tests would find changed. */
interface Traces {
  environment: Record<string, string | undefined>;
  folder: string;
  listeners: Record<string, number>;
  globals: string[];
  /** Ids of processes that were started here; none elsewhere than on Linux. */
  children: string[];
}

let before: Traces;
beforeAll(() => {
  before = traces();
});
afterAll(() => {
  expect(traces(), 'a file of tests that shares its process left a trace: test/shared-process.ts').toEqual(before);
});

function traces(): Traces {
  return {
    environment: { ...process.env },
    folder: process.cwd(),
    listeners: Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)])),
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    children: children(),
  };
}

function children(): string[] {
  if (process.platform !== 'linux') return [];
  const threads = '/proc/self/task';
  return readdirSync(threads).flatMap((thread) =>
    readFileSync(`${threads}/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  );
}
