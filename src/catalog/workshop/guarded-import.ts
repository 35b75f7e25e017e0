import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import { guardedWords } from '../../kernel/guarded-modules.ts';
import { placeOfOffset } from '../../kernel/plugin-place.ts';
import { codeFrame } from '../files/frame.ts';
import { pathInside } from '../versions/files.ts';

interface BundleMap {
  sources: string[];
  sourcesContent?: (string | null)[];
}

/** A plugin that imports one of Node's guarded modules when it is loaded, at the line of the import: no job of it could ever begin. */
export function guardedImport(name: string, terms: { file: string; mapFile: string; folder: string }): PlainFault {
  const { why, next } = guardedWords(name);
  const hit = importOf(name, terms.mapFile);
  const by = hit?.library ? `, through the package ${hit.library}` : '';
  return {
    code: 'NOT_IN_NEEDS',
    message: `imports node:${name} at load${by}: ${why}`,
    file: terms.file,
    next,
    data: { asked: `node:${name}` },
    ...(hit && !hit.library ? { ...placed(hit), file: pathInside(terms.folder, hit.path) } : {}),
  };
}

interface Hit {
  path: string;
  text: string;
  offset: number;
  library: string | undefined;
}

/** Where the module is named; in the author's own files first. */
function importOf(name: string, mapFile: string): Hit | undefined {
  const named = new RegExp(`(["'\`])(?:node:)?${name}\\1`);
  const hits: Hit[] = [];
  for (const { path, text } of sourcesOf(mapFile)) {
    const offset = named.exec(text)?.index;
    if (offset === undefined) continue;
    const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(path)?.[1];
    hits.push({ path, text, offset, library });
  }
  return hits.find(({ library }) => library === undefined) ?? hits[0];
}

function sourcesOf(mapFile: string): { path: string; text: string }[] {
  try {
    const { sources, sourcesContent = [] } = JSON.parse(readFileSync(mapFile, 'utf8')) as BundleMap;
    return sources.flatMap((source, index) => {
      const text = sourcesContent[index];
      return text ? [{ path: resolve(dirname(mapFile), source), text }] : [];
    });
  } catch {
    return [];
  }
}

function placed({ text, offset }: Hit): Pick<PlainFault, 'line' | 'column' | 'frame'> {
  const { line, column } = placeOfOffset(text, offset);
  const frame = codeFrame(text, line, column);
  return { line, column, ...(frame ? { frame } : {}) };
}
