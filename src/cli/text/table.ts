import { plainLine } from '../../kernel/shown-text.ts';
import type { Paint, Style } from './paint.ts';
import { cut, pad, widthOf } from './width.ts';

/** A column, by its title alone or with the rules for it. */
export type Column = string | ColumnRules;

interface ColumnRules {
  title: string;
  /** Numbers stand to the right. */
  right?: boolean;
  /** Gives way, down to this many places, when the table is too wide. */
  atLeast?: number;
  /** Left out when the table is still too wide after every `atLeast`: the column with the smallest number goes first. */
  drop?: number;
}

/** A text, a text with its style, or a text that is painted once it has been cut and filled up. */
type TableCell = string | [text: string, style: Style] | { text: string; paint(text: string): string };

/** A row of cells; `below` are lines that follow it, already indented. */
export type Row = TableCell[] | { cells: TableCell[]; below: string[] };

const GAP = '  ';

/**
 * Lines of a table of at most `width` places: a dim line of titles (left out when all are empty), then the rows. A table
 * that is too wide first cuts the texts that may give way, then leaves out whole columns, and never breaks a line.
 */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  { paint, width }: { paint: Paint; width: number },
): string[] {
  const rules = columns.map((column) => (typeof column === 'string' ? { title: column } : column));
  const lists = rows.map((row) => (Array.isArray(row) ? { cells: row, below: [] } : row));
  const natural = rules.map(({ title }, at) =>
    Math.max(widthOf(title), ...lists.map(({ cells }) => widthOf(textOf(cells[at] ?? '')))),
  );
  const kept = keptColumns(rules, natural, width);
  const shown = kept.map((at) => rules[at]!);
  const widths = kept.map((at) => natural[at]!);
  shrink(shown, widths, width);
  const titles = shown.map(({ title }) => title);
  const lines: string[] = [];
  if (titles.some(Boolean)) lines.push(paint('dim', lineOf(shown, widths, titles, paint)));
  for (const { cells, below } of lists) {
    const ofShown = kept.map((at) => cells[at] ?? '');
    lines.push(lineOf(shown, widths, ofShown, paint), ...below);
  }
  return lines;
}

/** The places of the columns that are shown in `width`, in their order. */
function keptColumns(columns: ColumnRules[], natural: number[], width: number): number[] {
  const least = (at: number) => Math.min(natural[at]!, columns[at]!.atLeast ?? natural[at]!);
  let kept = columns.map((_column, at) => at);
  while (totalOf(kept.map(least)) > width) {
    const next = kept
      .filter((at) => columns[at]!.drop !== undefined)
      .sort((one, other) => columns[one]!.drop! - columns[other]!.drop!)[0];
    if (next === undefined) break;
    kept = kept.filter((at) => at !== next);
  }
  return kept;
}

function totalOf(widths: number[]): number {
  return widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1);
}

/** Takes places from the columns that may give way, always from the widest, until the table fits or none can give more. */
function shrink(columns: ColumnRules[], widths: number[], width: number): void {
  let over = totalOf(widths) - width;
  while (over > 0) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      if (column.atLeast === undefined || widths[at]! <= column.atLeast) continue;
      if (widest < 0 || widths[at]! > widths[widest]!) widest = at;
    }
    if (widest < 0) return;
    widths[widest] = widths[widest]! - 1;
    over--;
  }
}

function lineOf(columns: ColumnRules[], widths: number[], cells: TableCell[], paint: Paint): string {
  return columns
    .map((column, at) => {
      const cell = cells[at] ?? '';
      const filled = pad(cut(textOf(cell), widths[at]!), widths[at]!, column.right ? 'right' : 'left');
      if (typeof cell === 'string') return filled;
      return Array.isArray(cell) ? paint(cell[1], filled) : cell.paint(filled);
    })
    .join(GAP)
    .trimEnd();
}

/** A cell is one line whose columns can be counted, whatever characters a name holds. */
function textOf(cell: TableCell): string {
  if (typeof cell === 'string') return plainLine(cell);
  return plainLine(Array.isArray(cell) ? cell[0] : cell.text);
}
