/** A table as README.md has it; the columns are the keys of the first row. */
export function markdown(rows: readonly Record<string, string | number>[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const columns = Object.keys(rows[0] ?? {});
  const body = rows.map((row) => line(columns.map((column) => row[column]!)));
  return [line(columns), line(columns.map(() => '---')), ...body].join('\n');
}
