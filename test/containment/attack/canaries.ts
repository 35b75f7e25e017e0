import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Files below a folder, by their paths in it; links are not followed. */
export function filesBelow(folder: string, path = ''): string[] {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const at = join(path, entry.name);
    return entry.isDirectory() ? filesBelow(folder, at) : entry.isFile() ? [at] : [];
  });
}

/** Places in files below a folder, and in their paths, where one of the texts is found. `mayHold`: paths that are left out. */
export function hitsBelow(folder: string, texts: readonly string[], mayHold: RegExp): string[] {
  return filesBelow(folder)
    .filter((path) => !mayHold.test(path))
    .flatMap((path) => hitsIn(path, `${path} ${readFileSync(join(folder, path), 'latin1')}`, texts));
}

/** Where a text is found, and what stands around it; one line for each of the texts. */
export function hitsIn(where: string, text: string, texts: readonly string[]): string[] {
  return texts.flatMap((one) => {
    const at = text.indexOf(one);
    return at < 0 ? [] : `${where}: …${text.slice(Math.max(0, at - 200), at + 100)}`;
  });
}

/** Every value of a store, as `table.column: value`, but for columns of `kept`, which keep what a plugin gave. */
export function storedTexts(file: string, kept: ReadonlySet<string>): string[] {
  const store = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    return tables.flatMap(({ name }) =>
      store
        .prepare(`SELECT * FROM "${name}"`)
        .all()
        .flatMap((row) => Object.entries(row).map(([column, value]) => [`${name}.${column}`, String(value)] as const))
        .filter(([place]) => !kept.has(place))
        .map(([place, value]) => `${place}: ${value}`),
    );
  } finally {
    store.close();
  }
}
