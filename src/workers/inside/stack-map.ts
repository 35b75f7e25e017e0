import { readFileSync, statSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PlainFault } from '../../kernel/fault.ts';
import { placeInStack, type StackPlace } from '../../kernel/stack-place.ts';
import type { Thrown } from '../wire.ts';
import { placeOfKey, pluginSource, withAdvice } from './plugin-source.ts';
import type { FindPlace } from './profiles.ts';

/**
 * Turns places in a bundle into the author's own lines. Maps are read when something fails, and a few are kept; one that
 * is another file by now is read anew: comments that were moved leave the bundle as it is and change its map.
 */
export interface StackMap {
  /** The fault with its stack in terms of the sources, and the first place of the author's code with the lines around it. */
  map(thrown: Thrown, bundle: Bundle): PlainFault;
  /** A line that was printed, with the author's places in it; undefined for a frame of a stack that is none of the author's. */
  line(text: string, bundle: Bundle): string | undefined;
  /** Finds the author's own lines in the bundle: nothing of libraries, of Daruma or of Node. */
  finder(bundle: Bundle): FindPlace;
}

export interface Bundle {
  file: string;
  mapFile: string;
}

interface Place {
  file: string;
  line: number;
  column: number;
  source: string | undefined;
}

const MAPS_KEPT = 20;
const LINES_AROUND = 2;
/** Frames of Daruma and of Node below the plugin's say nothing to an author. */
const FOREIGN = /\/workers\/inside\/|\(node:(?:internal\/|diagnostics_channel)|at node:internal\/|at async node:/;

/** The function that calls `run`. */
const RUNNER = /\/workers\/inside\/runner\.js$/;

export function createStackMap(folder: string): StackMap {
  const maps = new Map<string, { state: string; map: SourceMap | null }>();

  function mapOf(mapFile: string): SourceMap | null {
    const state = stateOf(mapFile);
    const known = maps.get(mapFile);
    if (known?.state === state) return known.map;
    const map = readMap(mapFile);
    maps.delete(mapFile);
    if (maps.size >= MAPS_KEPT) maps.delete(maps.keys().next().value!);
    maps.set(mapFile, { state, map });
    return map;
  }

  function mapLine(line: string, bundle: Bundle, map: SourceMap | null): { text: string; place?: Place } {
    const at = atIn(line, bundle);
    const place = at && map && placeIn(map, bundle.mapFile, folder, at.line, at.column);
    if (!at || !place) return { text: line };
    return { text: line.replace(at.text, () => `${place.file}:${place.line}:${place.column}`), place };
  }

  function mapStack(stack: string, bundle: Bundle, map: SourceMap | null) {
    const lines = stack.split('\n').filter((line) => !FOREIGN.test(line));
    const mapped = lines.map((line) => mapLine(line, bundle, map));
    const first = mapped.find(({ place }) => place && !place.file.includes('node_modules/'))?.place;
    return { stack: mapped.map(({ text }) => text).join('\n'), first };
  }

  return {
    map(thrown, bundle) {
      const { placedAt, isFinal: _, ...plain } = thrown;
      if (!plain.stack && !placedAt) return plain;
      const map = mapOf(bundle.mapFile);
      const mapped = plain.stack === undefined ? undefined : mapStack(plain.stack, bundle, map);
      const source = map ? pluginSource(map, bundle.mapFile, folder) : undefined;
      const told = withAdvice(mapped ? { ...plain, stack: mapped.stack } : plain, source);
      const first = mapped?.first ?? (placedAt && source ? placeOfKey(source, ['run']) : undefined);
      if (!first || plain.file) return told;
      const { source: text, ...place } = first;
      return { ...told, ...place, ...(text === undefined ? {} : { frame: frameOf(text, first) }) };
    },
    line(text, bundle) {
      const isOfBundle = atIn(text, bundle) !== undefined;
      if (!isFrame(text) && !isOfBundle) return text;
      if (FOREIGN.test(text) && isFrame(text)) return undefined;
      return isOfBundle ? mapLine(text, bundle, mapOf(bundle.mapFile)).text : text;
    },
    finder(bundle) {
      const url = pathToFileURL(bundle.file).href;
      let code: string[] | undefined;
      return (of, line, column) => {
        const map = mapOf(bundle.mapFile);
        // V8 counts the time of a loop that spun before the profile began to the caller of its function.
        if (RUNNER.test(of)) return map ? entryOf(map, bundle.mapFile, folder) : undefined;
        if (of !== url) return undefined;
        code ??= linesOf(bundle.file);
        // A map knows no place for white space, and would answer with the end of the line before.
        const at = column ?? (code[line - 1]?.search(/\S/) ?? 0) + 1;
        const place = map && placeIn(map, bundle.mapFile, folder, line, at);
        if (!place || isAbsolute(place.file) || place.file.includes('node_modules/')) return undefined;
        return { file: place.file, line: place.line };
      };
    },
  };
}

function atIn(text: string, { file }: Bundle): StackPlace | undefined {
  return placeInStack(text, [pathToFileURL(file).href, file]);
}

/** Another text for each file that ever has the name. */
function stateOf(file: string): string {
  const at = statSync(file, { throwIfNoEntry: false });
  return at ? `${at.ino} ${at.size} ${at.mtimeMs} ${at.ctimeMs}` : 'missing';
}

function readMap(mapFile: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(mapFile, 'utf8')));
  } catch {
    return null;
  }
}

/** The plugin itself, when it is inside the installation. */
function entryOf(map: SourceMap, mapFile: string, folder: string): { file: string; line: null } | undefined {
  const file = pluginSource(map, mapFile, folder)?.file;
  return file === undefined || isAbsolute(file) ? undefined : { file, line: null };
}

function isFrame(line: string): boolean {
  return /^\s+at \S/.test(line);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function placeIn(map: SourceMap, mapFile: string, folder: string, line: number, column: number): Place | undefined {
  const entry = map.findEntry(line - 1, column - 1);
  if (!('originalSource' in entry) || !entry.originalSource) return undefined;
  const named = entry.originalSource;
  const path = named.startsWith('file:') ? fileURLToPath(named) : resolve(dirname(mapFile), named);
  const inside = relative(folder, path);
  const { sources, sourcesContent } = map.payload;
  const source = (sourcesContent as (string | null)[] | undefined)?.[sources.indexOf(named)];
  return {
    file: inside.startsWith('..') ? path : inside,
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
    source: source ?? undefined,
  };
}

function frameOf(source: string, place: Place): string {
  const lines = source.split(/\r?\n/);
  const from = Math.max(1, place.line - LINES_AROUND);
  const to = Math.min(lines.length, place.line + LINES_AROUND);
  const width = String(to).length;
  const shown: string[] = [];
  for (let number = from; number <= to; number++) {
    const isIt = number === place.line;
    shown.push(`${isIt ? '>' : ' '} ${String(number).padStart(width)} | ${lines[number - 1]}`.trimEnd());
    if (isIt) shown.push(`  ${' '.repeat(width)} | ${' '.repeat(Math.max(0, place.column - 1))}^`);
  }
  return shown.join('\n');
}
