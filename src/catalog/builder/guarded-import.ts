import { readFileSync } from 'node:fs';
import type { PlainFault } from '../../kernel/fault.ts';
import { guardedWords } from '../../kernel/plugin-modules.ts';
import { parseSourceMap, type Source, sourcesIn } from '../../kernel/source-map.ts';
import { codeFrame, placeOfOffset } from '../../kernel/source-text.ts';

/** A plugin that imports one of Node's guarded modules when it is loaded, at the line of the import: no job of it could ever begin. */
export function guardedImport(name: string, terms: { file: string; mapFile: string; folder: string }): PlainFault {
  const { why, next } = guardedWords(name);
  const hit = importOf(name, terms);
  const by = hit?.library ? `, through the package ${hit.library}` : '';
  return {
    code: 'NOT_IN_NEEDS',
    message: `imports node:${name} at load${by}: ${why}`,
    file: terms.file,
    next,
    data: { asked: `node:${name}` },
    ...(hit && !hit.library ? placed(hit) : {}),
  };
}

interface Hit {
  file: string;
  text: string;
  offset: number;
  library: string | undefined;
}

/** Where the module is named; in the author's own files first. */
function importOf(name: string, terms: { mapFile: string; folder: string }): Hit | undefined {
  const named = new RegExp(`(["'\`])(?:node:)?${name}\\1`);
  const hits: Hit[] = [];
  for (const { file, absolute, text } of sourcesOf(terms)) {
    const offset = text === undefined ? undefined : named.exec(text)?.index;
    if (text === undefined || offset === undefined) continue;
    const library = /\/node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(absolute)?.[1];
    hits.push({ file, text, offset, library });
  }
  return hits.find(({ library }) => library === undefined) ?? hits[0];
}

function sourcesOf(terms: { mapFile: string; folder: string }): Source[] {
  try {
    const map = parseSourceMap(readFileSync(terms.mapFile, 'utf8'));
    return map ? sourcesIn(map, terms) : [];
  } catch {
    return [];
  }
}

function placed({ file, text, offset }: Hit): Pick<PlainFault, 'file' | 'line' | 'column' | 'frame'> {
  const { line, column } = placeOfOffset(text, offset);
  const frame = codeFrame(text, line, column);
  return { file, line, column, ...(frame ? { frame } : {}) };
}
