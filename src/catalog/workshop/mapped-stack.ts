import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { placeInStack } from '../../kernel/stack-place.ts';
import { pathInside } from '../versions/files.ts';

export interface MappedStack {
  /** The stack with the author's files and lines; frames of Node and of the inspection are left out. */
  stack: string;
  /** The topmost frame in a file of the author's own. */
  place?: { file: string; absolute: string; line: number; column: number };
}

/** Turns the places of a stack from the bundle's to the author's. `mapFile` is the bundle's source map. */
export function mapStack(stack: string, bundle: string, mapFile: string, folder: string): MappedStack {
  let map: SourceMap;
  try {
    map = new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')));
  } catch {
    return { stack };
  }
  const names = [pathToFileURL(bundle).href, bundle];
  const lines: string[] = [];
  let place: MappedStack['place'];
  for (const line of stack.split('\n')) {
    if (!/^\s+at /.test(line)) {
      lines.push(line);
      continue;
    }
    const at = placeInStack(line, names);
    if (!at) continue;
    const entry = map.findEntry(at.line - 1, at.column - 1);
    if (!('originalSource' in entry)) continue;
    const absolute = resolve(dirname(mapFile), entry.originalSource);
    const found = {
      file: pathInside(folder, absolute),
      absolute,
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
    lines.push(line.replace(at.text, () => `${found.file}:${found.line}:${found.column}`));
    if (!absolute.includes('/node_modules/') && absolute.startsWith(`${folder}/`)) place ??= found;
  }
  return place ? { stack: lines.join('\n'), place } : { stack: lines.join('\n') };
}
