import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../../kernel/paths.ts';
import type { PackageFacts } from './files.ts';

/** Entries that an author calls: the plugin's side, and the test kit's. */
const CONTRACT = [
  'plugin/define',
  'plugin/context',
  'plugin/verdicts',
  'plugin/host-events',
  'plugin/fleet',
  'plugin/llm',
  'plugin/pg',
  'plugin/units',
  'testing/ports',
];
const PINNED = ['@types/node'];
/** Files that an installation gets to start from. */
const SHIPPED = /^(plugins|agents|config)\//;
/** The archive in npm's form: files without a time of their own, so that the same package has the same bytes. */
const NO_TIME = new Date('1985-10-26T08:15:00Z');

interface Manifest {
  version: string;
  files: string[];
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}

/** The package that this process runs from, in a checkout and in `node_modules` alike. */
interface OwnPackage {
  facts: PackageFacts;
  /** The names of the packages that it needs itself. */
  dependencies: string[];
  /** Files of the package to start from: plugins, agents, config; each file with its text. */
  shipped(): { path: string; text: string }[];
  /** Writes it as a tarball that npm installs. The same package makes the same bytes. */
  pack(file: string): Promise<void>;
}

/** Reads the package that runs. */
export function ownPackage(root = fileURLToPath(packageFile('./'))): OwnPackage {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  // Files that a person added to a checkout are not the package's: `files` names each file.
  const files = ['package.json', ...own.files].flatMap((path) => filesAt(root, path)).sort();
  return {
    facts: {
      version: own.version,
      pinned: Object.fromEntries(PINNED.map((name) => [name, own.devDependencies[name] ?? '*'])),
      contract: CONTRACT.map((name) => ({
        name: `${name}.d.ts`,
        text: readFileSync(join(root, `dist/${name}.d.ts`), 'utf8'),
      })),
    },
    dependencies: Object.keys(own.dependencies),
    shipped: () =>
      files
        .filter((path) => SHIPPED.test(path))
        .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') })),
    async pack(file) {
      const { create } = await import('tar');
      mkdirSync(dirname(file), { recursive: true });
      const stream = create({ cwd: root, gzip: true, portable: true, prefix: 'package', mtime: NO_TIME }, files);
      writeFileSync(file, await stream.concat());
    },
  };
}

function filesAt(root: string, path: string): string[] {
  if (!existsSync(join(root, path))) return [];
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => filesAt(root, `${path}/${name}`));
}
