export { openReadOnly, type ReadOnlyStore } from './read-only.ts';
export { createSqliteStore, type SqliteStore, type SqliteStoreNeeds, type SqliteStoreOptions } from './store.ts';
