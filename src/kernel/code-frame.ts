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
