import { type Document, isMap, isNode, isScalar, isSeq, type Node, parseDocument, visit, type YAMLError } from 'yaml';
import type { PlainFault } from '../../kernel/fault.ts';
import { codeFrame, placeOfOffset } from '../../kernel/source-text.ts';

interface YamlFile {
  document: Document;
  /** The map as plain data; undefined for an empty file. */
  value: unknown;
  /** The problem of a text that is no YAML, or no map. */
  fault?: PlainFault;
}

/** Keys and indexes from the document to a value. */
export type Path = readonly (string | number)[];
/** Line and column count from 1. */
export type Place = { line: number; column: number };

/** Parses a text that should hold one map. `file` is what faults name. */
export function readYaml(text: string, file: string): YamlFile {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  const [error] = document.errors;
  if (error) return { document, value: undefined, fault: syntaxFault(error, text, file) };
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? undefined;
    const fault =
      protoFault(document, text, file) ?? (value === undefined ? undefined : noMapFault(document, text, file));
    return fault ? { document, value: undefined, fault } : { document, value };
  } catch (cause) {
    const message = `not valid YAML: ${(cause as Error).message}`;
    return { document, value: undefined, fault: { code: 'YAML_SYNTAX', message, file, line: 1, column: 1 } };
  }
}

function protoFault(document: Document, text: string, file: string): PlainFault | undefined {
  const proto = placeOfKey(document, '__proto__');
  if (proto === undefined) return undefined;
  const at = placeOfOffset(text, proto);
  const frame = codeFrame(text, at.line, at.column) ?? '';
  const message = 'the key __proto__ means something to JavaScript, and can hold nothing';
  return { code: 'YAML_SYNTAX', message, file, ...at, frame, next: 'call it otherwise' };
}

function noMapFault({ contents }: Document, text: string, file: string): PlainFault | undefined {
  if (isMap(contents)) return undefined;
  return {
    code: 'YAML_SYNTAX',
    message: `expected lines of \`key: value\`, found ${isSeq(contents) ? 'a list' : 'a single value'}`,
    file,
    line: 1,
    column: 1,
    frame: codeFrame(text, 1, 1) ?? '',
    next: 'write one key a line, such as `plugin: api-health`',
  };
}

/** The offset of the first key of that name, however deep. */
function placeOfKey(document: Document, name: string): number | undefined {
  let found: number | undefined;
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== name) return undefined;
      found = key.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return found;
}

function syntaxFault(error: YAMLError, text: string, file: string): PlainFault {
  let place = placeOfOffset(text, Math.min(error.pos[0], text.length));
  let message = error.message.replace(/\s+/g, ' ');
  let next = 'put text with special characters in quotes, and indent with spaces';
  // The usual mistake: to YAML a bare * is an alias, and a bare @ is reserved.
  const bare = /^(\s*[\w-]+:\s*)([*@].*?)\s*$/.exec(text.split('\n')[place.line - 1] ?? '');
  if (bare) {
    place = { line: place.line, column: bare[1]!.length + 1 };
    message = 'text that begins with * or @ must be in quotes';
    next = `write ${bare[1]!.trim()} "${bare[2]}"`;
  } else if (error.code === 'TAB_AS_INDENT') {
    message = 'a tab is used as indentation';
    next = 'indent with spaces';
  } else if (error.code === 'DUPLICATE_KEY') {
    message = 'the same key stands here twice';
    next = 'remove one of them';
  }
  const frame = codeFrame(text, place.line, place.column) ?? '';
  return { code: 'YAML_SYNTAX', message: `not valid YAML: ${message}`, file, ...place, frame, next };
}

/**
 * The place of a path in the text: its key, or its value. A path that is not there has the place of its deepest part
 * that is; in an empty document, the beginning.
 */
export function placeInYaml(document: Document, text: string, path: Path, at: 'key' | 'value'): Place {
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
  return offset === undefined ? { line: 1, column: 1 } : placeOfOffset(text, offset);
}

/** {@link placeInYaml} of a text that was valid; it is parsed when the first place is asked for, and not kept longer. */
export function placesIn(text: string): (path: Path, at: 'key' | 'value') => Place {
  let document: Document | undefined;
  return (path, at) => {
    document ??= parseDocument(text, { prettyErrors: false });
    return placeInYaml(document, text, path, at);
  };
}
