export interface Backup {
  name: string;
  bytes: number;
}

/** Which backups go: all but the newest `keep`, and of those the oldest that do not fit in `budget` bytes. The newest never goes. */
export function surplus<B extends Backup>(backups: readonly B[], keep: number, budget: number): B[] {
  const newestFirst = backups.toSorted((a, b) => (a.name < b.name ? 1 : -1)); // names carry the time
  let bytes = 0;
  return newestFirst.filter((backup, place) => {
    bytes += backup.bytes;
    return place > 0 && (place >= keep || bytes > budget);
  });
}
