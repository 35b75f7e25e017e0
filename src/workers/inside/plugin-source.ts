import type { PlainFault } from '../../kernel/fault.ts';
import { denialOf, needText } from '../../kernel/needs-fault.ts';
import type { Source } from '../../kernel/source-map.ts';
import { placeInPlugin } from '../../kernel/source-text.ts';

/** The plugin's own file, as the source map of its bundle has it. */
type PluginSource = Pick<Source, 'file' | 'text'>;

/** Where a key of the definition stands; the call of definePlugin when it is not there. */
export function placeOfKey({ file, text }: PluginSource, path: readonly string[]) {
  const at = text === undefined ? undefined : placeInPlugin(text, path);
  return at && { file, ...at, text };
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
