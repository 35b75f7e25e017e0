/** `inc-42` of row 42. */
export function incidentIdOf(row: number): string {
  return `inc-${row}`;
}

/** The row of an incident's id; 0, which no incident has, for anything that a store never gave out. */
export function incidentRowOf(id: string): number {
  const row = /^inc-[1-9]\d{0,14}$/.test(id) ? Number(id.slice(4)) : 0;
  return Number.isSafeInteger(row) ? row : 0;
}
