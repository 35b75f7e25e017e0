/**
 * Builds `dist/`: plain JavaScript for production, one bundle for each process and thread, with declarations and source
 * maps. The files are made beside `dist/` and moved in, changed ones only: first the parts that bundles share, then the
 * bundles, and left-overs are removed last. A host that runs from `dist/` and starts a thread meanwhile never meets half a file.
 * A build that would make what lies in `dist/` already is left out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { forgetBuild, isBuilt, rememberBuild } from './built.ts';
import { writeBundles } from './bundles.ts';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist');
if (!isBuilt(root)) await buildAll();

// In a checkout nothing else makes `npx daruma` find the command: npm links the bins of dependencies only.
const link = join(root, 'node_modules/.bin/daruma');
rmSync(link, { force: true });
symlinkSync('../../dist/main.js', link);

async function buildAll(): Promise<void> {
  const inputs = forgetBuild(root);
  const made = mkdtempSync(join(root, '.dist-'));
  const args = ['-p', join(root, 'tsconfig.build.json'), '--outDir', made, '--checkers', '1'];
  const declared = once(spawn(join(root, 'node_modules/.bin/tsc'), args, { stdio: 'inherit' }), 'exit');
  try {
    await writeBundles(root, made);
    // A type error fails the build, but what was made is moved in all the same: the rest of the house can go on.
    const code = (await declared)[0] ?? 1;
    process.exitCode = code;
    chmodSync(join(made, 'main.js'), 0o755);
    // The compiler leaves out declarations that are written by hand.
    copyFileSync(join(root, 'src/plugin/files.d.ts'), join(made, 'plugin/files.d.ts'));
    copyAssets(join(made, 'web/assets'));
    const index = join(made, 'index.d.ts');
    writeFileSync(index, readFileSync(index, 'utf8').replace(/path="[^"]*files\.d\.ts"/, 'path="./plugin/files.d.ts"'));
    const files = filesIn(made).sort((one, other) => Number(isShared(other)) - Number(isShared(one)));
    for (const file of files) {
      if (sameContent(join(made, file), join(out, file))) continue;
      mkdirSync(dirname(join(out, file)), { recursive: true });
      renameSync(join(made, file), join(out, file));
    }
    for (const file of filesIn(out)) if (!files.includes(file)) rmSync(join(out, file), { force: true });
    if (code === 0) rememberBuild(root, inputs);
  } finally {
    // The compiler would go on writing into a folder that was removed.
    await declared;
    rmSync(made, { recursive: true, force: true });
  }
}

function filesIn(folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** What the page loads beside its HTML: files of ours as they are, and the one library. */
function copyAssets(to: string): void {
  mkdirSync(to, { recursive: true });
  const from = join(root, 'src/web/assets');
  for (const name of readdirSync(from)) copyFileSync(join(from, name), join(to, name));
  copyFileSync(join(root, 'node_modules/idiomorph/dist/idiomorph.min.js'), join(to, 'idiomorph.js'));
}

function isShared(file: string): boolean {
  return file.startsWith('chunks/');
}

function sameContent(one: string, other: string): boolean {
  try {
    return readFileSync(one).equals(readFileSync(other));
  } catch {
    return false;
  }
}
