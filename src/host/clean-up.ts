import type { Catalog } from '../catalog/ports.ts';
import { formatSize } from '../kernel/units.ts';
import type { Journal } from '../telemetry/journal.ts';

interface CleanUpNeeds {
  journal: Pick<Journal, 'shrink'>;
  catalog: Pick<Catalog, 'shrink'>;
}

/**
 * What a disk that runs full gets back: half of the logs, and the versions that nobody needs. Never backups, jobs or what
 * agents wrote: those are a person's to delete. Resolves with what came of it, in words.
 */
export async function cleanUp({ journal, catalog }: CleanUpNeeds): Promise<string> {
  const freed = [
    { what: 'logs', bytes: journal.shrink() },
    { what: 'old versions', bytes: await catalog.shrink() },
  ].filter(({ bytes }) => bytes > 0);
  if (freed.length === 0) return 'nothing is left that may be deleted: a person has to make room';
  return `given back: ${freed.map(({ what, bytes }) => `${formatSize(bytes)} of ${what}`).join(', ')}`;
}
