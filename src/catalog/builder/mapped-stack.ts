import { readFileSync } from 'node:fs';
import {
  type BundleFiles,
  isFrame,
  isOwnSource,
  mapLine,
  parseSourceMap,
  type SourcePlace,
} from '../../kernel/source-map.ts';

export interface MappedStack {
  /** The stack with the author's files and lines; frames of Node and of the inspection are left out. */
  stack: string;
  /** The topmost frame in a file of the author's own, inside the installation. */
  place?: SourcePlace;
}

/** Turns the places of a stack from the bundle's to the author's. A stack stays as it is when the map cannot be read. */
export function mapStack(stack: string, bundle: BundleFiles, folder: string): MappedStack {
  const map = parseSourceMap(readText(bundle.mapFile));
  if (!map) return { stack };
  const lines = stack
    .split('\n')
    .map((line) => (isFrame(line) ? mapLine(line, bundle, map, folder) : { text: line, place: undefined }))
    .filter(({ text, place }) => place || !isFrame(text));
  const place = lines.find(
    (line) => line.place && isOwnSource(line.place) && line.place.absolute.startsWith(`${folder}/`),
  )?.place;
  return { stack: lines.map(({ text }) => text).join('\n'), ...(place ? { place } : {}) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
