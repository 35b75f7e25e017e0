import type { SourceMap } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlainFault } from '../../kernel/fault.ts';
import { denialOf, needText } from '../../kernel/needs-fault.ts';
import { placeInPlugin } from '../../kernel/plugin-place.ts';

/** The plugin's own file, as the map of its bundle has it. */
export interface PluginSource {
  /** Relative to the installation where it is inside it. */
  file: string;
  text: string | undefined;
}

/** A bundle ends with what it began from. */
export function pluginSource(map: SourceMap, mapFile: string, folder: string): PluginSource | undefined {
  const { sources, sourcesContent } = map.payload;
  const last = sources.at(-1);
  if (last === undefined) return undefined;
  const path = last.startsWith('file:') ? fileURLToPath(last) : resolve(dirname(mapFile), last);
  const inside = relative(folder, path);
  const text = (sourcesContent as (string | null)[] | undefined)?.[sources.length - 1];
  return { file: inside.startsWith('..') ? path : inside, text: text ?? undefined };
}

/** Where a key of the definition stands; the call of definePlugin when it is not there. */
export function placeOfKey({ file, text }: PluginSource, path: readonly string[]) {
  const at = text === undefined ? undefined : placeInPlugin(text, path);
  return at && { file, ...at, source: text };
}

/** A refused right: what is missing in the plugin's `needs`, with the line where it is to be written. */
export function withAdvice(fault: PlainFault, source: PluginSource | undefined): PlainFault {
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
