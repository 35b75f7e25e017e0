import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Fault } from '../../kernel/fault.ts';
import { refusedFolderName } from '../../kernel/paths.ts';
import { installationFiles, type NewFile, PACKAGE_FOLDER, packageName } from '../init/files.ts';
import { ownPackage } from '../init/own-package.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** Makes an installation of one's own in an empty folder, with the package that makes it inside. */
export async function initCommand(stage: Stage, [named]: Words): Promise<CommandResult> {
  const folder = resolve(stage.folder, named!);
  const refused = refusedFolderName(folder);
  if (refused) throw new Fault(refused);
  mustBeEmpty(folder, named!);
  const own = ownPackage();
  mkdirSync(folder, { recursive: true });
  const tarball = `${PACKAGE_FOLDER}/daruma-${own.facts.version}.tgz`;
  await own.pack(join(folder, tarball));
  const shipped = own.shipped();
  const files: NewFile[] = [...shipped, ...installationFiles(packageName(folder), own.facts, tarball)];
  for (const { path, text, mode = 0o666 } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // Files that the package ships itself, as config/daruma.yaml, win.
    if (!existsSync(join(folder, path))) writeFileSync(join(folder, path), linkedHere(path, text), { mode });
  }
  const plugins = shipped.flatMap(({ path }) => /^plugins\/([^/]+)\.ts$/.exec(path)?.[1] ?? []).sort();
  const place = relative(process.cwd(), folder) || '.';
  const next = [...(place === '.' ? [] : [`cd ${place}`]), 'npm install', 'npm start'];
  const lines = [
    `${stage.paint('green', '✓')} ${place} is ready: ${plugins.length} plugins to start from, AGENTS.md says how to write more`,
    `  ${stage.paint('cyan', '→')} ${next.join(' && ')}`,
  ];
  return { json: { folder, plugins, next }, lines };
}

/** Pages that travel along point to the docs inside the package, where they are once npm has installed it. */
function linkedHere(path: string, text: string): string {
  if (!path.endsWith('.md')) return text;
  return text.replaceAll('](../docs/', '](../node_modules/daruma/docs/');
}

function mustBeEmpty(folder: string, named: string): void {
  let found: string[];
  try {
    found = readdirSync(folder).filter((name) => name !== '.git');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTDIR') throw thrown;
    throw new Fault({ code: 'NOT_A_FOLDER', message: `${named} is a file`, next: `daruma init ${named}-2` });
  }
  if (found.length === 0) return;
  const shown = found.slice(0, 3).join(', ') + (found.length > 3 ? ', …' : '');
  throw new Fault({
    code: 'FOLDER_NOT_EMPTY',
    message: `${named} is not empty (${shown}); nothing was changed`,
    next: `daruma init ${join(named, 'daruma')}`,
  });
}
