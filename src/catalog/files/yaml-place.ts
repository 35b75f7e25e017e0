import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
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

/** The longest text: the host parses it between two turns of its loop, and one that is made for it takes 2 s then. In characters. */
const LONGEST_TEXT = 256 * 1024;
/** The parser and all that goes over a value call themselves for each level. */
const TOO_DEEP = /Maximum call stack size exceeded/;

/**
 * Parses a text that should hold one map, of plain data without a cycle. `file` is what faults name. Takes no longer than some
 * seconds, whatever the text: who can write a file must not be able to stop the host.
 */
export function readYaml(text: string, file: string): YamlFile {
  const isTooLong = text.length > LONGEST_TEXT;
  // The parser compares each key with each other of its map: doubled keys are found by `structureFault` instead.
  const document = parseDocument(isTooLong ? '' : text, { prettyErrors: false, uniqueKeys: false });
  if (isTooLong) return { document, value: undefined, fault: lengthFault(text, file) };
  const [error] = document.errors;
  if (error) return { document, value: undefined, fault: syntaxFault(error, text, file) };
  try {
    const wrong = structureFault(document, text, file);
    if (wrong) return { document, value: undefined, fault: wrong };
    const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? undefined;
    const fault = value === undefined ? undefined : noMapFault(document, text, file);
    return fault ? { document, value: undefined, fault } : { document, value };
  } catch (cause) {
    const { message } = cause as Error;
    const said = TOO_DEEP.test(message) ? tooDeep() : tooMany(message);
    return { document, value: undefined, fault: { code: 'YAML_SYNTAX', ...said, file, line: 1, column: 1 } };
  }
}

function lengthFault({ length }: string, file: string): PlainFault {
  const message = `the file has ${length} characters, and ${LONGEST_TEXT} may be`;
  const next = 'keep lists of that length in a file of their own, which the plugin reads (needs.read)';
  return { code: 'YAML_SYNTAX', message, file, line: 1, column: 1, next };
}

function tooDeep() {
  return { message: 'not valid YAML: values are nested too deeply', next: 'nest less' };
}

/** By the message: more aliases of aliases than a person writes. */
function tooMany(message: string) {
  if (!/alias count/.test(message)) return { message: `not valid YAML: ${message}` };
  return { message: 'not valid YAML: its aliases stand for too many values', next: 'write the values themselves' };
}

/** The first thing in it that YAML allows and plain data has no form for, or that stands there twice. */
function structureFault(document: Document, text: string, file: string): PlainFault | undefined {
  let fault: PlainFault | undefined;

  function found(node: unknown, message: string, next: string) {
    const at = placeOfOffset(text, (isNode(node) ? node.range?.[0] : undefined) ?? 0);
    const frame = codeFrame(text, at.line, at.column) ?? '';
    fault = { code: 'YAML_SYNTAX', message, file, ...at, frame, next };
    return visit.BREAK;
  }

  visit(document, {
    Map(_, map) {
      const twice = doubledKey(map);
      return twice ? found(twice, 'not valid YAML: the same key stands here twice', 'remove one of them') : undefined;
    },
    Pair(_, { key }) {
      // As text of its own text of its own text: what is nested in keys would take hours.
      if (isNode(key) && !isScalar(key)) return found(key, 'a key that is no text can name nothing', 'write a name');
      if (!isScalar(key) || key.value !== '__proto__') return undefined;
      const message = 'the key __proto__ means something to JavaScript, and can hold nothing';
      return found(key, message, 'call it otherwise');
    },
    Alias(_, alias, path) {
      const source = alias.resolve(document);
      if (source === undefined || !path.includes(source)) return undefined;
      return found(alias, `*${alias.source} stands inside of what it names, without end`, 'write the value itself');
    },
  });
  return fault;
}

function doubledKey({ items }: YAMLMap): unknown {
  const seen = new Set<unknown>();
  return (items as Pair[]).find(({ key }) => {
    if (!isScalar(key)) return false;
    if (seen.has(key.value)) return true;
    seen.add(key.value);
    return false;
  })?.key;
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
  } else if (error.code === 'MULTIPLE_DOCS') {
    message = 'a second document begins here';
    next = 'keep one in each file, and remove the line ---';
  } else if (TOO_DEEP.test(message)) {
    message = 'values are nested too deeply';
    next = 'nest less';
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
    document ??= parseDocument(text, { prettyErrors: false, uniqueKeys: false });
    return placeInYaml(document, text, path, at);
  };
}
