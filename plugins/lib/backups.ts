import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'daruma';
import { writeWhole } from './files.ts';

export interface Backup {
  name: string;
  bytes: number;
}

/** How many backups stay: the newest of each of so many days, weeks and months that have one. Days, weeks (from Monday) and months are those of UTC, as in the names. */
export interface Keep {
  daily: number;
  weekly: number;
  monthly: number;
}

/** The setting of {@link Keep}: by days, weeks and months, or a number of the newest. */
export const keepSetting = () =>
  z
    .union([
      z.int().min(1),
      z.strictObject({
        daily: z.int().min(1).default(7),
        weekly: z.int().min(0).default(4),
        monthly: z.int().min(0).default(12),
      }),
    ])
    .prefault({})
    .describe('Backups that stay: of days, weeks and months, or a number of the newest.');

/** The input of an agent that keeps copies elsewhere: with `drill` it restores the newest of them, as the weekly drill asks. */
export const drillInput = () => z.strictObject({ drill: z.boolean().optional() }).nullish();

/** The name of an archive, with its time; an encrypted one has `.age` at its end. */
export const ARCHIVE = /^daruma-(\d{4})(\d\d)(\d\d)T\d{6}Z\.tar\.(?:gz|zst)(?:\.age)?$/;

/**
 * Which backups go: all but those that `keep` names (a number: so many of the newest), and of those the oldest that do not fit in
 * `budget` bytes. The newest never goes.
 */
export function surplus<B extends Backup>(backups: readonly B[], keep: number | Keep, budget: number): B[] {
  const newestFirst = backups.toSorted((a, b) => (a.name < b.name ? 1 : -1)); // names carry the time
  const kept = new Set(typeof keep === 'number' ? newestFirst.slice(0, keep) : keptBy(newestFirst, keep));
  let bytes = 0;
  return newestFirst.filter((backup, place) => {
    if (place > 0 && !kept.has(backup)) return true;
    bytes += backup.bytes;
    return place > 0 && bytes > budget;
  });
}

function* keptBy<B extends Backup>(newestFirst: readonly B[], { daily, weekly, monthly }: Keep): Iterable<B> {
  yield* newestOfEach(newestFirst, daily, (day) => day.toString());
  yield* newestOfEach(newestFirst, weekly, (day) => day.subtract({ days: day.dayOfWeek - 1 }).toString());
  yield* newestOfEach(newestFirst, monthly, (day) => day.toPlainYearMonth().toString());
}

function newestOfEach<B extends Backup>(
  newestFirst: readonly B[],
  most: number,
  spanOf: (day: Temporal.PlainDate) => string,
): B[] {
  const newest = new Map<string, B>();
  for (const backup of newestFirst) {
    const span = spanOf(dayOf(backup.name));
    if (!newest.has(span)) newest.set(span, backup);
  }
  return [...newest.values()].slice(0, most);
}

function dayOf(name: string): Temporal.PlainDate {
  const [, year, month, day] = ARCHIVE.exec(name)!;
  return Temporal.PlainDate.from({ year: Number(year), month: Number(month), day: Number(day) });
}

/** Says of which archives the command line need not doubt: when each was read back, and how many bytes it had. */
const VERIFIED = 'verified.json';

/** Writes down that one was read back; what is said of archives that are gone goes. */
export async function noteVerified(
  folder: string,
  now: Backup & { at: string },
  names: readonly string[],
): Promise<void> {
  const file = join(folder, VERIFIED);
  const known = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, unknown>,
    () => ({}),
  );
  const left = Object.entries(known).filter(([name]) => names.includes(name));
  const all = { ...Object.fromEntries(left), [now.name]: { at: now.at, bytes: now.bytes } };
  await writeWhole(file, JSON.stringify(all));
}
