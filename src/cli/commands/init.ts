import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../../kernel/fault.ts';
import { installationFiles, type PackageFacts } from '../init/files.ts';
import type { Said, Stage } from '../ports.ts';

export const anyFolder = true;

/** What an installation gets from the package, as it is shipped. */
const SHIPPED = ['plugins', 'agents', 'config'];
const CONTRACT = ['define', 'context', 'verdicts', 'units', 'fleet'];
const PINNED = ['node', '@types/node'];

/** Makes an installation of one's own in an empty folder. */
export async function run(stage: Stage, [named]: (string | undefined)[]): Promise<Said> {
  const folder = resolve(stage.folder, named!);
  mustBeEmpty(folder, named!);
  const root = packageRoot();
  const facts = packageFacts(root);
  mkdirSync(folder, { recursive: true });
  for (const name of SHIPPED) copyShipped(join(root, name), join(folder, name));
  for (const { path, text } of installationFiles(packageName(folder), facts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // What the package ships itself, as config/daruma.yaml, wins.
    if (!existsSync(join(folder, path))) writeFileSync(join(folder, path), text);
  }
  const plugins = readdirSync(join(folder, 'plugins')).filter((file) => file.endsWith('.ts'));
  const place = relative(process.cwd(), folder) || '.';
  const next = [...(place === '.' ? [] : [`cd ${place}`]), 'npm install', 'npm start'];
  const lines = [
    `${stage.paint('green', '✓')} ${place} is ready: ${plugins.length} plugins to start from, AGENTS.md says how to write more`,
    `  ${stage.paint('cyan', '→')} ${next.join(' && ')}`,
  ];
  return { json: { folder, plugins: plugins.map((file) => file.replace(/\.ts$/, '')).sort(), next }, lines };
}

function mustBeEmpty(folder: string, named: string): void {
  let found: string[];
  try {
    found = readdirSync(folder).filter((name) => name !== '.git');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTDIR') throw thrown;
    throw new Fault({ code: 'NOT_A_FOLDER', message: `${named} is a file`, next: 'daruma init <another folder>' });
  }
  if (found.length === 0) return;
  const shown = found.slice(0, 3).join(', ') + (found.length > 3 ? ', …' : '');
  throw new Fault({
    code: 'FOLDER_NOT_EMPTY',
    message: `${named} is not empty (${shown}); nothing was changed`,
    next: 'daruma init <another folder>',
  });
}

/** The folder of the package that runs, three levels above this file in `src/` and in `dist/`. */
function packageRoot(): string {
  return fileURLToPath(new URL('../../../', import.meta.url));
}

function packageFacts(root: string): PackageFacts {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    devDependencies: Record<string, string>;
  };
  return {
    version: own.version,
    pinned: Object.fromEntries(PINNED.map((name) => [name, own.devDependencies[name] ?? '*'])),
    contract: CONTRACT.map((name) => ({
      name: `${name}.d.ts`,
      text: readFileSync(join(root, `dist/plugin/${name}.d.ts`), 'utf8'),
    })),
  };
}

/** Tests of the package stay behind: what they run on is not installed here. */
function copyShipped(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  if (!existsSync(from)) return;
  cpSync(from, to, { recursive: true, filter: (path) => !/\.test\.ts$/.test(path) });
}

function packageName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name || 'my-agents';
}
