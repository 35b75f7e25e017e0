import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../kernel/paths.ts';
import { sha256 } from '../kernel/sha256.ts';

/** Files of the page, held in memory: a request names one of them, and no path is ever made of what it says. */
export interface Assets {
  /** `/assets/page.css?v=3f2a…`; throws for a name that is none. */
  addressOf(name: string): string;
  find(name: string): { type: string; body: Uint8Array<ArrayBuffer> } | undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const FOLDER = fileURLToPath(packageFile('dist/web/assets/'));

/** Reads the files of a folder; default: those of the build. */
export function readAssets(folder = FOLDER): Assets {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const known = new Map(
    files.map(({ name }) => {
      const body = new Uint8Array(readFileSync(`${folder}/${name}`));
      const mark = sha256(body).slice(0, 12);
      const type = TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream';
      return [name, { type, body, address: `/assets/${name}?v=${mark}` }];
    }),
  );
  return {
    addressOf(name) {
      const file = known.get(name);
      if (!file) throw new Error(`there is no asset ${name}`);
      return file.address;
    },
    find: (name) => known.get(name),
  };
}
