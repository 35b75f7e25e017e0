import type { StoreCopy } from '../telemetry/ports.ts';
import type { ReadOnlyStore, Store, StoreNeeds, StorePlace } from './ports.ts';
import { proveFile } from './sqlite/inside/copy.ts';
import { openReadOnly } from './sqlite/read-only.ts';
import { createSqliteStore } from './sqlite/store.ts';

/**
 * The store at a place, for one host. The store opens its file in `start()`, which rejects with a `Fault` that says what to
 * do.
 */
export function openStore(needs: StoreNeeds, place: StorePlace): Store {
  return createSqliteStore(needs, place);
}

/**
 * Opens the store at a place for reading, whether a host runs or not. Throws a `Fault`: `STORE_MISSING`, `STORE_OLDER`, `STORE_NEWER`,
 * `STORE_CORRUPT`, `STORE_READONLY`. The store is to be closed after use.
 */
export function openStoreForReading({ file }: StorePlace): ReadOnlyStore {
  return openReadOnly(file);
}

/** Proves that a copy of a store, which nobody else has open, can be worked with. Throws a `Fault`: `STORE_CORRUPT`, `STORE_NEWER`. */
export function proveStore({ file }: StorePlace): StoreCopy {
  return proveFile(file);
}
