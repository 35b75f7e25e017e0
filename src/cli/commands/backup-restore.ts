import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { RestoreView } from '../../control/protocol.ts';
import { installationFolder } from '../folder.ts';
import { leaveCheckout } from '../init/checkout.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { usage } from '../usage.ts';
import { lackLines, proofWords } from './backup-verify.ts';

export const anyFolder = true;

const CHECKOUT = 'what builds Daruma: it was made in a checkout, and is an installation that depends on vendor/ now';

export interface RestoreOptions {
  dir?: string;
  install?: boolean;
}

/** Makes a new or a stopped installation be what an archive says, and tells what is left to do. */
export async function run(
  stage: Stage,
  [file, named]: (string | undefined)[],
  { dir, install = false }: RestoreOptions,
): Promise<CommandResult> {
  if (named !== undefined && dir !== undefined && resolve(named) !== resolve(dir)) {
    throw usage(`--dir ${dir} and ${named} are two folders`, `daruma backup restore ${file} ${named}`);
  }
  const wanted = named ?? dir;
  const folder = wanted === undefined ? installationFolder(undefined, process.cwd()) : resolve(wanted);
  mkdirSync(folder, { recursive: true });
  const backups = await stage.launcher.backups(folder);
  const restored = await backups.restore(resolve(file!));
  if (await leaveCheckout(restored.folder)) restored.lacks.push(CHECKOUT);
  const code = install ? await npmInstall(stage, restored.folder) : 0;
  const view = { ...restored, packages: backups.packages() };
  return { json: view, lines: linesOf(view, file!, stage), code };
}

function linesOf(view: RestoreView, file: string, stage: Stage): string[] {
  const { paint } = stage;
  const place = relative(process.cwd(), view.folder) || '.';
  const missing = view.packages.filter(({ installed }) => !installed);
  const lines = [`${paint('green', '✓')} ${place} is what ${file} says: ${proofWords(view, stage)}`];
  if (view.aside !== null) lines.push(`  what was there before is kept in ${view.aside}`);
  lines.push(...lackLines(view));
  for (const { name, agents } of view.secrets) {
    lines.push(
      `${paint('yellow', '!')} the secret ${name} is nowhere to be found here; it is needed by ${agents.join(', ')}`,
    );
  }
  for (const { name, wanted } of missing) lines.push(`${paint('yellow', '!')} ${name} is not installed (${wanted})`);
  const next = [
    ...(place === '.' ? [] : [`cd ${place}`]),
    ...(missing.length > 0 ? ['npm install'] : []),
    ...(view.packages.some(({ name }) => name === 'daruma') ? ['npm start'] : ['daruma start']),
  ];
  lines.push(`  ${paint('cyan', '→')} ${next.join(' && ')}`);
  return lines;
}

/** npm's own words go to stderr. Resolves with its exit code. */
function npmInstall(stage: Stage, cwd: string): Promise<number> {
  const child = spawn('npm', ['install', '--no-audit', '--no-fund'], { cwd, stdio: ['ignore', 2, 2] });
  return new Promise((resolve) => {
    child.once('error', ({ message }) => {
      stage.note(`${stage.paintNote('red', '✗')} npm install cannot be run: ${message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code === 0 ? 0 : 1));
  });
}
