/** The part of a version's id that people see and may type: eight characters. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}
