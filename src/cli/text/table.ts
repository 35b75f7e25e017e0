import { cut, pad, widthOf } from './width.ts';

export interface Column {
  title: string;
  /** Numbers stand to the right. */
  right?: boolean;
  /** Gives way, down to this many places, when the table is too wide. */
  atLeast?: number;
  /** Left out when the table is still too wide after every `atLeast`: the column with the smallest number goes first. */
  drop?: number;
}

/** A cell: a text, or a text and how it is coloured once it has been cut and filled up. */
type TableCell = string | { text: string; paint(text: string): string };

/** A row of cells; `below` are lines that follow it, already indented. */
export interface Row {
  cells: TableCell[];
  below?: string[];
}

const GAP = '  ';

/**
 * Lines of a table of at most `width` places: a line of titles (left out when all are empty), then the rows. A table
 * that is too wide first cuts the texts that may give way, then leaves out whole columns, and never breaks a line.
 */
export function table(
  columns: Column[],
  rows: Row[],
  width: number,
  paintTitle = (text: string): string => text,
): string[] {
  const natural = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...rows.map((row) => widthOf(textOf(row.cells[at] ?? '')))),
  );
  const kept = keptColumns(columns, natural, width);
  const shown = kept.map((at) => columns[at]!);
  const widths = kept.map((at) => natural[at]!);
  shrink(shown, widths, width);
  const titles = shown.map((column) => column.title);
  const lines: string[] = [];
  if (titles.some(Boolean)) lines.push(paintTitle(lineOf(shown, widths, titles)));
  for (const row of rows) {
    const cells = kept.map((at) => row.cells[at] ?? '');
    lines.push(lineOf(shown, widths, cells), ...(row.below ?? []));
  }
  return lines;
}

/** The places of the columns that are shown in `width`, in their order. */
function keptColumns(columns: Column[], natural: number[], width: number): number[] {
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
function shrink(columns: Column[], widths: number[], width: number): void {
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

function lineOf(columns: Column[], widths: number[], cells: TableCell[]): string {
  return columns
    .map((column, at) => {
      const cell = cells[at] ?? '';
      const filled = pad(cut(textOf(cell), widths[at]!), widths[at]!, column.right ? 'right' : 'left');
      return typeof cell === 'string' ? filled : cell.paint(filled);
    })
    .join(GAP)
    .trimEnd();
}

function textOf(cell: TableCell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
