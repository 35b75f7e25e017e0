/** The oldest major version that has what Daruma uses: permission flags of workers, `node:sqlite`, Temporal. */
export const OLDEST_NODE = 26;

/** The first number of a version. */
export function majorOf(version: string): number {
  return Number(version.split('.')[0]);
}
