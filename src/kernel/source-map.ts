import { SourceMap } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { pathInside } from './paths.ts';

/** A compiled plugin and its source map, both absolute. */
export interface BundleFiles {
  file: string;
  mapFile: string;
}

/** A file that a bundle was made of. */
export interface Source {
  /** Relative to the installation where it is inside it, else absolute. */
  file: string;
  absolute: string;
  /** The whole of it, when the map holds it. */
  text: string | undefined;
}

/** Where a line of a bundle comes from. Lines and columns count from 1. */
export interface SourcePlace extends Source {
  line: number;
  column: number;
}

/** A line of a stack with the author's place in it; `place` is undefined when the map knows none. */
interface MappedLine {
  text: string;
  place: SourcePlace | undefined;
}

/** The map in a text of JSON; undefined when the text is none. */
export function parseSourceMap(json: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** The place of the bundle that a line of a stack names; undefined for a line that names none of the bundle. */
export function placeInBundle(text: string, { file }: BundleFiles): StackPlace | undefined {
  return placeInStack(text, [pathToFileURL(file).href, file]);
}

/** The author's place behind a line and column of the bundle; undefined when the map knows none. */
export function sourcePlace(
  map: SourceMap,
  terms: { mapFile: string; folder: string; line: number; column: number },
): SourcePlace | undefined {
  const entry = map.findEntry(terms.line - 1, terms.column - 1);
  if (!('originalSource' in entry) || !entry.originalSource) return undefined;
  const source = sourceNamed(map, entry.originalSource, terms);
  return { ...source, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

/** The sources of a bundle, in the order of the map: esbuild writes the file that the bundle begins from last. */
export function sourcesIn(map: SourceMap, terms: { mapFile: string; folder: string }): Source[] {
  return map.payload.sources.map((named) => sourceNamed(map, named, terms));
}

/** Replaces the bundle's place in a line of a stack by the author's. A line without a mapping is unchanged. */
export function mapLine(text: string, bundle: BundleFiles, map: SourceMap | undefined, folder: string): MappedLine {
  const at = placeInBundle(text, bundle);
  const place = at && map && sourcePlace(map, { mapFile: bundle.mapFile, folder, line: at.line, column: at.column });
  if (!at || !place) return { text, place: undefined };
  return { text: text.replace(at.text, () => `${place.file}:${place.line}:${place.column}`), place };
}

/** Whether a line of a stack is a frame, and not the message. */
export function isFrame(line: string): boolean {
  return /^\s+at \S/.test(line);
}

/** Whether a place is in a file of the author's own, which no package installed. */
export function isOwnSource({ file }: Source): boolean {
  // An installation may lie in a folder of packages itself.
  return !`/${file}`.includes('/node_modules/');
}

function sourceNamed(map: SourceMap, named: string, { mapFile, folder }: { mapFile: string; folder: string }): Source {
  const { sources, sourcesContent } = map.payload;
  const absolute = named.startsWith('file:') ? fileURLToPath(named) : resolve(dirname(mapFile), named);
  const text = (sourcesContent as (string | null)[] | undefined)?.[sources.indexOf(named)] ?? undefined;
  return { file: pathInside(folder, absolute), absolute, text };
}

/** A place that a line of a stack names. */
interface StackPlace {
  /** The line as it stands in the source: `file:///srv/x.mjs:3:14`. */
  text: string;
  line: number;
  column: number;
}

/**
 * The place of a stack's line that lies in a file; undefined when it lies elsewhere. `names`: what the file may be called
 * there, its URL first. The name is looked for as a whole, because a folder may be called anything, `a:b (2)` too.
 */
function placeInStack(text: string, names: readonly string[]): StackPlace | undefined {
  for (const name of names) {
    const at = text.indexOf(`${name}:`);
    const found = at < 0 ? null : /^(\d+):(\d+)/.exec(text.slice(at + name.length + 1));
    if (found) return { text: `${name}:${found[0]}`, line: Number(found[1]), column: Number(found[2]) };
  }
  return undefined;
}
