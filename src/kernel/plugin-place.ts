/**
 * Where a key of the object that definePlugin is given stands in a plugin's source: found by walking over the text's
 * brackets, strings and comments, without a parser. The deepest part of the path that is found counts; undefined when
 * the call itself is not there (the definition is then built elsewhere).
 */
export function placeInPlugin(
  text: string,
  path: readonly (string | number)[],
): { line: number; column: number } | undefined {
  const call = /\bdefinePlugin\s*(?:<[^(]*>)?\s*\(/.exec(text);
  if (!call) return undefined;
  let found = call.index;
  let from = skipBlanks(text, call.index + call[0].length);
  for (const step of path) {
    if (text[from] !== '{' || typeof step !== 'string') break;
    const key = findKey(text, from, step);
    if (!key) break;
    found = key.at;
    from = key.value;
  }
  return placeOfOffset(text, found);
}

/** The key `name` right inside the object that begins at `from`. */
function findKey(text: string, from: number, name: string): { at: number; value: number } | undefined {
  let depth = 0;
  let atKey = true;
  for (let index = from; index < text.length; ) {
    const skipped = skipBlanks(text, index);
    if (skipped !== index) {
      index = skipped;
      continue;
    }
    const char = text[index]!;
    if (depth === 1 && atKey) {
      const key = /^(?:async\s+)?(?:(["'])((?:(?!\1).)*)\1|([A-Za-z_$][\w$]*))\s*(?=[:(,}])/.exec(
        text.slice(index, index + 300),
      );
      if (key && (key[2] ?? key[3]) === name) {
        const colon = index + key[0].length;
        return { at: index, value: text[colon] === ':' ? skipBlanks(text, colon + 1) : colon };
      }
      if (key) {
        atKey = false;
        index += key[0].length;
        continue;
      }
    }
    if (char === '"' || char === "'" || char === '`') {
      index = skipString(text, index);
      continue;
    }
    if (char === '{' || char === '(' || char === '[') depth++;
    else if (char === '}' || char === ')' || char === ']') {
      depth--;
      if (depth === 0) return undefined;
    }
    atKey = depth === 1 && (char === ',' || char === '{');
    index++;
  }
  return undefined;
}

function skipBlanks(text: string, from: number): number {
  const blank = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
  blank.lastIndex = from;
  return blank.test(text) ? blank.lastIndex : from;
}

function skipString(text: string, from: number): number {
  const quote = text[from];
  let index = from + 1;
  while (index < text.length && text[index] !== quote) index += text[index] === '\\' ? 2 : 1;
  return index + 1;
}

/** Line and column (from 1) of an offset in the text. */
export function placeOfOffset(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 };
}
