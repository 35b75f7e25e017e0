import { type Document, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { PlainFault } from '../kernel/fault.ts';
import { codeFrame, placeOfOffset } from './frame.ts';

export interface YamlFile {
  document: Document;
  /** Plain data; undefined for an empty file. */
  value: unknown;
  /** Set when the text is no YAML, or no map. */
  fault?: PlainFault;
}

export type Path = readonly (string | number)[];

/** Parses a text that should hold one map. `file` is what faults name. */
export function readYaml(text: string, file: string): YamlFile {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const error = document.errors[0];
  if (error) {
    const place = placeOfOffset(text, Math.min(error.pos[0], text.length));
    const tab = error.code === 'TAB_AS_INDENT';
    return {
      document,
      value: undefined,
      fault: {
        code: 'YAML_SYNTAX',
        message: `not valid YAML: ${tab ? 'a tab is used as indentation' : error.message.replace(/\s+/g, ' ')}`,
        file,
        ...place,
        frame: codeFrame(text, place.line, place.column) ?? '',
        next: tab ? 'indent with spaces' : 'put text with special characters in quotes, and indent with spaces',
      },
    };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    const fault = {
      code: 'YAML_SYNTAX',
      message: `not valid YAML: ${(cause as Error).message}`,
      file,
      line: 1,
      column: 1,
    };
    return { document, value: undefined, fault };
  }
  if (value === null) value = undefined;
  if (value !== undefined && !isMap(document.contents)) {
    return {
      document,
      value: undefined,
      fault: {
        code: 'YAML_SYNTAX',
        message: `expected lines of \`key: value\`, found ${Array.isArray(value) ? 'a list' : 'a single value'}`,
        file,
        line: 1,
        column: 1,
        frame: codeFrame(text, 1, 1) ?? '',
        next: 'write one key a line, such as `plugin: api-health`',
      },
    };
  }
  return { document, value };
}

/**
 * Where a path stands in the text: its key, or its value. When the path is not there, the deepest part of it that is;
 * undefined for an empty document.
 */
export function placeInYaml(
  document: Document,
  text: string,
  path: Path,
  at: 'key' | 'value',
): { line: number; column: number } | undefined {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : String(key)) === String(step));
      if (!pair) break;
      const key = pair.key as Node;
      const last = index === path.length - 1;
      const value = isNode(pair.value) ? pair.value : undefined;
      offset = (last && at === 'value' ? value?.range?.[0] : undefined) ?? key.range?.[0] ?? offset;
      node = value;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)];
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else break;
  }
  return offset === undefined ? undefined : placeOfOffset(text, offset);
}
