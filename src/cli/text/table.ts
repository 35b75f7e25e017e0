import { cut, pad, widthOf } from './width.ts';

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  right?: boolean;
  /** Gives way, down to this many places, when the table is too wide. */
  atLeast?: number;
}

/** One cell: a text, or a text and how it is coloured once it has been cut and filled up. */
export type Cell = string | { text: string; paint(text: string): string };

/** A row of cells; `below` are lines that follow it, already indented. */
export interface Row {
  cells: Cell[];
  below?: string[];
}

const GAP = '  ';

/** Lines of a table of at most `width` places: a line of titles (left out when all are empty), then the rows. */
export function table(
  columns: Column[],
  rows: Row[],
  width: number,
  paintTitle = (text: string): string => text,
): string[] {
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(textOf(row.cells[at] ?? '')))),
  );
  shrink(columns, widths, width);
  const titles = columns.map((column) => column.title);
  const lines: string[] = [];
  if (titles.some(Boolean)) lines.push(paintTitle(lineOf(columns, widths, titles)));
  for (const row of rows) lines.push(lineOf(columns, widths, row.cells), ...(row.below ?? []));
  return lines;
}

/** Takes places from the columns that may give way, always from the widest, until the table fits or none can give more. */
function shrink(columns: Column[], widths: number[], width: number): void {
  let over = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1) - width;
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

function lineOf(columns: Column[], widths: number[], cells: Cell[]): string {
  return columns
    .map((column, at) => {
      const cell = cells[at] ?? '';
      const filled = pad(cut(textOf(cell), widths[at]!), widths[at]!, column.right ? 'right' : 'left');
      return typeof cell === 'string' ? filled : cell.paint(filled);
    })
    .join(GAP)
    .trimEnd();
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
