import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { FenceTerms } from '../fence/terms.ts';

/**
 * What the paths of a cell's terms stand for. The kernel's fences hold on to files and folders, Node's flags to their
 * names: a file that was replaced, or that came later, is outside until a new cell is opened.
 */
export function namedNow(terms: FenceTerms): string {
  return pathsOf(terms)
    .map((path) => identityOf(statOf(path)))
    .join(' ');
}

/** As {@link namedNow}, without waiting for a disk. */
export async function namedLater(terms: FenceTerms): Promise<string> {
  const found = pathsOf(terms).map((path) => stat(path).catch(() => undefined));
  return (await Promise.all(found)).map(identityOf).join(' ');
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const pathsOf = ({ read, write }: FenceTerms) => [...read, ...write];

const identityOf = (stats: { dev: number; ino: number } | undefined) => (stats ? `${stats.dev}:${stats.ino}` : '-');
