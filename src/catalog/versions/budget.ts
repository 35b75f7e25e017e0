import type { VersionRef } from '../../jobs/agent.ts';

/** What pruning has to know of a version that is kept. */
export interface KeptVersion {
  ref: Pick<VersionRef, 'plugin' | 'id'>;
  /** Epoch ms. */
  madeAt: number;
  bytes: number;
}

/** Of each plugin, beside those in use. */
export const KEPT_BESIDES = 20;
/** What workers of the last minutes may still read. */
export const KEPT_ALWAYS = 2;

/**
 * Which versions go: of each plugin all but the newest {@link KEPT_BESIDES} that are not in use, and then the oldest of
 * all until the rest fits into the budget. What is in `used` (`plugin/id`: in force, good, or what a rollback goes to)
 * and the newest {@link KEPT_ALWAYS} besides stay, whatever the budget. `lists`: one for each plugin, oldest first.
 */
export function spareVersions<V extends KeptVersion>(
  lists: readonly (readonly V[])[],
  used: ReadonlySet<string>,
  budgetBytes: number,
): V[] {
  let bytes = 0;
  const going: V[] = [];
  const ifNeeded: V[] = [];
  for (const list of lists) {
    for (const version of list) bytes += version.bytes;
    const unused = list.filter(({ ref }) => !used.has(`${ref.plugin}/${ref.id}`));
    going.push(...unused.slice(0, Math.max(0, unused.length - KEPT_BESIDES)));
    ifNeeded.push(...unused.slice(-KEPT_BESIDES).slice(0, -KEPT_ALWAYS));
  }
  for (const version of going) bytes -= version.bytes;
  for (const version of ifNeeded.sort((a, b) => a.madeAt - b.madeAt)) {
    if (bytes <= budgetBytes) break;
    bytes -= version.bytes;
    going.push(version);
  }
  return going;
}
