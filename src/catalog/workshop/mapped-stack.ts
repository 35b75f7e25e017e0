import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathInside } from '../versions/files.ts';

export interface MappedStack {
  /** The stack with the author's files and lines; frames of Node and of the inspection are left out. */
  stack: string;
  /** The topmost frame in a file of the author's own. */
  place?: { file: string; absolute: string; line: number; column: number };
}

const FRAME = /^(\s+at .*?\(?)((?:file:\/\/)?\/[^():]+):(\d+):(\d+)(\)?)$/;

/** Turns the places of a stack from the bundle's to the author's. `mapFile` is the bundle's source map. */
export function mapStack(stack: string, bundle: string, mapFile: string, folder: string): MappedStack {
  let map: SourceMap;
  try {
    map = new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')));
  } catch {
    return { stack };
  }
  const lines: string[] = [];
  let place: MappedStack['place'];
  for (const line of stack.split('\n')) {
    const match = FRAME.exec(line);
    if (!match) {
      if (!/^\s+at /.test(line)) lines.push(line);
      continue;
    }
    const [, before, where, row, column, after] = match;
    const file = where!.startsWith('file:') ? fileURLToPath(where!) : where!;
    if (file !== bundle) continue;
    const entry = map.findEntry(Number(row) - 1, Number(column) - 1);
    if (!('originalSource' in entry)) continue;
    const absolute = resolve(dirname(mapFile), entry.originalSource);
    const found = {
      file: pathInside(folder, absolute),
      absolute,
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
    lines.push(`${before}${found.file}:${found.line}:${found.column}${after}`);
    if (!absolute.includes('/node_modules/') && absolute.startsWith(`${folder}/`)) place ??= found;
  }
  return place ? { stack: lines.join('\n'), place } : { stack: lines.join('\n') };
}
