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

const AROUND = 2;
const WIDEST = 160;

/**
 * The lines around a place with a caret under it, ready to print: two before, the line itself, two after.
 * `line` and `column` count from 1; undefined when the text has no such line.
 */
export function codeFrame(text: string, line: number, column = 1): string | undefined {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === '' && lines.length > 1 && line < lines.length) lines.pop();
  if (!Number.isInteger(line) || line < 1 || line > lines.length) return undefined;
  const first = Math.max(1, line - AROUND);
  const last = Math.min(lines.length, line + AROUND);
  const width = String(last).length;
  // A minified line would fill the screen: only the part around the column is shown.
  const from = column > WIDEST ? column - Math.floor(WIDEST / 2) : 0;
  const shown: string[] = [];
  for (let number = first; number <= last; number++) {
    const source = lines[number - 1]!.slice(from, from + WIDEST);
    shown.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${source}`.trimEnd());
    if (number !== line) continue;
    // Tabs are kept, so that the caret stands under its character whatever a tab's width is.
    const before = source.slice(0, Math.max(0, column - 1 - from)).replace(/[^\t]/g, ' ');
    shown.push(`  ${' '.repeat(width)} | ${before}^`);
  }
  return shown.join('\n');
}
