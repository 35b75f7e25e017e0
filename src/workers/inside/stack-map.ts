import { readFileSync, statSync } from 'node:fs';
import type { SourceMap } from 'node:module';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { denialOf, needText } from '../../kernel/needs-fault.ts';
import { entryFile } from '../../kernel/paths.ts';
import {
  type BundleFiles,
  isFrame,
  isOwnSource,
  mapLine,
  parseSourceMap,
  placeInBundle,
  type Source,
  sourcePlace,
  sourcesIn,
} from '../../kernel/source-map.ts';
import { codeFrame, placeInPlugin } from '../../kernel/source-text.ts';
import type { Thrown } from '../wire.ts';
import type { FindPlace } from './profiles.ts';

/**
 * Turns places in a bundle into the author's own lines. Maps are read when something fails, and 20 are kept; a map whose
 * file has changed is read anew: comments that were moved leave the bundle as it is and change its map.
 */
export interface StackMap {
  /** The fault with its stack in terms of the sources, and the first place of the author's code with the lines around it. */
  map(thrown: Thrown, bundle: BundleFiles): PlainFault;
  /** A printed line with the author's places in it; undefined for a frame of a stack that is none of the author's. */
  line(text: string, bundle: BundleFiles): string | undefined;
  /** Finds the author's own lines in the bundle: nothing of libraries, of Daruma or of Node. */
  finder(bundle: BundleFiles): FindPlace;
}

const MAPS_KEPT = 20;
/** Frames of Daruma and of Node below the plugin's say nothing to an author. */
const FOREIGN = /\/workers\/inside\/|\(node:(?:internal\/|diagnostics_channel)|at node:internal\/|at async node:/;

/** The bundle that a worker starts with, and the source in it that calls `run`. */
const BOOT = entryFile('workers/inside/boot.js');
const RUNNER = /\/workers\/inside\/runner\.ts$/;

export function createStackMap(folder: string): StackMap {
  const maps = new Map<string, { state: string; map: SourceMap | undefined }>();

  function mapOf(mapFile: string): SourceMap | undefined {
    const state = stateOf(mapFile);
    const known = maps.get(mapFile);
    if (known?.state === state) return known.map;
    const map = parseSourceMap(readText(mapFile));
    maps.delete(mapFile);
    if (maps.size >= MAPS_KEPT) maps.delete(maps.keys().next().value!);
    maps.set(mapFile, { state, map });
    return map;
  }

  function isRunner(line: number): boolean {
    const entry = mapOf(`${fileURLToPath(BOOT)}.map`)?.findEntry(line - 1, Number.MAX_SAFE_INTEGER);
    return entry !== undefined && 'originalSource' in entry && RUNNER.test(entry.originalSource);
  }

  function mapStack(stack: string, bundle: BundleFiles, map: SourceMap | undefined) {
    const lines = stack.split('\n').filter((line) => !FOREIGN.test(line));
    const mapped = lines.map((line) => mapLine(line, bundle, map, folder));
    const first = mapped.find(({ place }) => place && isOwnSource(place))?.place;
    return { stack: mapped.map(({ text }) => text).join('\n'), first };
  }

  return {
    map(thrown, bundle) {
      const { placedAt, isFinal: _, ...plain } = thrown;
      if (!plain.stack && !placedAt) return plain;
      const map = mapOf(bundle.mapFile);
      const mapped = plain.stack === undefined ? undefined : mapStack(plain.stack, bundle, map);
      const source = map && sourcesIn(map, { mapFile: bundle.mapFile, folder }).at(-1);
      const advised = withAdvice(mapped ? { ...plain, stack: mapped.stack } : plain, source);
      const first = mapped?.first ?? (placedAt && source ? placeOfKey(source, ['run']) : undefined);
      if (!first || plain.file) return advised;
      const { file, line, column, text } = first;
      const frame = text === undefined ? undefined : codeFrame(text, line, column);
      return { ...advised, file, line, column, ...given({ frame }) };
    },
    line(text, bundle) {
      const isOfBundle = placeInBundle(text, bundle) !== undefined;
      if (!isFrame(text) && !isOfBundle) return text;
      if (FOREIGN.test(text) && isFrame(text)) return undefined;
      return isOfBundle ? mapLine(text, bundle, mapOf(bundle.mapFile), folder).text : text;
    },
    finder(bundle) {
      const url = pathToFileURL(bundle.file).href;
      let code: string[] | undefined;
      return (of, line, column) => {
        const map = mapOf(bundle.mapFile);
        // V8 counts the time of a loop that spun before the profile began to the caller of its function.
        if (of === BOOT.href && isRunner(line)) return map && entryOf(map, { mapFile: bundle.mapFile, folder });
        if (of !== url) return undefined;
        code ??= readText(bundle.file).split('\n');
        // A map knows no place for white space, and would answer with the end of the line before.
        const at = column ?? (code[line - 1]?.search(/\S/) ?? 0) + 1;
        const place = map && sourcePlace(map, { mapFile: bundle.mapFile, folder, line, column: at });
        if (!place || isAbsolute(place.file) || !isOwnSource(place)) return undefined;
        return { file: place.file, line: place.line };
      };
    },
  };
}

/** Another text for each file that ever has the name. */
function stateOf(file: string): string {
  const at = statSync(file, { throwIfNoEntry: false });
  return at ? `${at.ino} ${at.size} ${at.mtimeMs} ${at.ctimeMs}` : 'missing';
}

/** The file of the plugin itself, when it is inside the installation. */
function entryOf(map: SourceMap, terms: { mapFile: string; folder: string }): { file: string; line: null } | undefined {
  const file = sourcesIn(map, terms).at(-1)?.file;
  return file === undefined || isAbsolute(file) ? undefined : { file, line: null };
}

/** Empty when the file cannot be read. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The plugin's own file, as the source map of its bundle has it. */
type PluginSource = Pick<Source, 'file' | 'text'>;

/** Where a key of the definition stands; the call of definePlugin when it is not there. */
function placeOfKey({ file, text }: PluginSource, path: readonly string[]) {
  const at = text === undefined ? undefined : placeInPlugin(text, path);
  return at && { file, ...at, text };
}

/** A refused right: what is missing in the plugin's `needs`, with the line where it is to be written. */
function withAdvice(fault: PlainFault, source: PluginSource | undefined): PlainFault {
  const denial = denialOf(fault);
  if (!denial || source?.text === undefined) return fault;
  const call = placeOfKey(source, []);
  const needs = placeOfKey(source, ['needs']);
  const at = placeOfKey(source, ['needs', denial.need]);
  if (!call || !needs || !at) return fault;
  const text = needText(denial.need, denial.asked);
  const isThere = needs.line !== call.line || needs.column !== call.column;
  const add = isThere ? `add ${text} to needs` : `add needs: { ${text} }`;
  return { ...fault, next: `${add}: ${at.file}:${at.line}` };
}
