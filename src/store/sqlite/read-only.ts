import { openForReading } from './inside/open.ts';
import { openReads } from './inside/tables.ts';
import type { ReadPorts, Sync } from './ports.ts';

/** A store opened for looking only, in the calling thread. */
export type ReadOnlyStore = ReadPorts & { close(): void };

/**
 * Opens a store for reading while its host is down; works beside a running host too. Throws a `Fault`: `STORE_MISSING`, `STORE_OLDER`,
 * `STORE_NEWER`, `STORE_CORRUPT`, `STORE_READONLY`. Close it after use.
 */
export function openReadOnly(file: string): ReadOnlyStore {
  const db = openForReading(file);
  const reads: Sync<ReadPorts> = openReads(db, file);
  const names: (keyof ReadPorts)[] = [
    'get',
    'list',
    'overview',
    'deadByCause',
    'slots',
    'nextSlots',
    'events',
    'agentFigures',
    'hourFigures',
    'slotFigures',
    'paused',
    'incident',
    'incidents',
    'quarantines',
    'stateEntries',
    'stateSizes',
  ];
  const methods = names.map((name) => [
    name,
    async (...args: never[]) => (reads[name] as (...a: never[]) => unknown)(...args),
  ]);
  return { ...(Object.fromEntries(methods) as ReadPorts), close: () => db.close() };
}
