/**
 * Builds `dist/`: plain JavaScript for production, one file for each file of `src/`, with declarations and source maps.
 * Files are overwritten in place and left-overs removed last, so that a host that runs from `dist/` never sees it empty.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist');
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  const source = /^(.*?)(\.d\.ts|\.js\.map|\.js)$/.exec(file)?.[1];
  if (source && !existsSync(join(root, 'src', `${source}.ts`)) && !existsSync(join(root, 'src', `${source}.tsx`))) {
    rmSync(join(out, file), { force: true });
  }
}
chmodSync(join(out, 'main.js'), 0o755);

// In a checkout nothing else makes `npx daruma` find the command: npm links the bins of dependencies only.
const link = join(root, 'node_modules/.bin/daruma');
rmSync(link, { force: true });
symlinkSync('../../dist/main.js', link);
