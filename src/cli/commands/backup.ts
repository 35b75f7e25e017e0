import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { ProofView, RestoreView } from '../../control/protocol.ts';
import { fullTime, shortTime } from '../../kernel/clock.ts';
import { Fault, usage } from '../../kernel/fault.ts';
import { formatSize } from '../../kernel/units.ts';
import { installationFolder } from '../folder.ts';
import { leaveCheckout } from '../init/checkout.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { type Row, table } from '../text/table.ts';
import { runCommand } from './run.ts';

/** The archives of the installation; no host has to run. */
export async function backupListCommand(stage: Stage): Promise<CommandResult> {
  const backups = (await stage.launcher.backups(stage.folder)).list();
  if (backups.length === 0) {
    const lines = ['no backups yet', `  ${stage.paint('cyan', '→')} daruma backup now`];
    return { json: backups, lines };
  }
  const { clock } = stage;
  const rows = backups.map(
    ({ file, at, bytes, verifiedAt }): Row => [
      `backups/${file}`,
      shortTime(Date.parse(at), clock),
      formatSize(bytes),
      verifiedAt === null ? 'not' : shortTime(Date.parse(verifiedAt), clock),
    ],
  );
  const columns = ['FILE', 'MADE', { title: 'SIZE', right: true }, 'PROVED'];
  const next = `daruma backup restore backups/${backups[0]!.file} restored`;
  const lines = [...table(columns, rows, stage), '', `  ${stage.paint('cyan', '→')} ${next}`];
  return { json: backups, lines };
}

/** Plugins whose agents make archives; the first that is on is asked. */
const MAKES_BACKUPS = ['backup', 'backup-encrypted'];

/** Gives the agent of the backup plugin a job, and waits for its end. */
export async function backupNowCommand(stage: Stage): Promise<CommandResult> {
  const { agents } = await stage.ask('status', {});
  const making = agents.filter(({ plugin }) => MAKES_BACKUPS.includes(plugin));
  // An agent that is off is asked only where there is no other: the host says how it is switched on.
  const agent = making.find(({ state }) => state !== 'off') ?? making.find(({ plugin }) => plugin === 'backup');
  if (!agent) {
    throw new Fault({
      code: 'NO_BACKUP_AGENT',
      message: 'no agent here makes backups: plugins/backup.ts is missing, or every agent of it is off',
      next: 'take plugins/backup.ts and plugins/lib/ from the package: node_modules/daruma/plugins',
    });
  }
  return await runCommand(stage, [agent.name], { wait: true });
}

/** Unpacks an archive into a temporary folder, opens its store, and has SQLite look at all of it. */
export async function backupVerifyCommand(stage: Stage, [file]: Words): Promise<CommandResult> {
  const proof = await (await stage.launcher.backups(stage.folder)).verify(resolve(file!));
  const lines = [
    `${stage.paint('green', '✓')} ${file} can be restored: ${proofWords(proof, stage)}`,
    `  a host would begin with ${proof.agents.length === 0 ? 'no agent' : proof.agents.join(', ')}`,
    ...lackLines(proof),
  ];
  return { json: proof, lines };
}

/** The contents of an archive, in a few words. */
function proofWords({ jobs, entries, bytes, madeAt }: ProofView, { clock }: Stage): string {
  const made = madeAt === null ? '' : `, made ${fullTime(Date.parse(madeAt), clock)}`;
  return `${jobs} jobs, ${entries} entries, ${formatSize(bytes)}${made}; its store is whole`;
}

function lackLines({ lacks }: ProofView): string[] {
  return lacks.length === 0 ? [] : ['  not in it:', ...lacks.map((one) => `    ${one}`)];
}

const CHECKOUT = 'what builds Daruma: it was made in a checkout, and is an installation that depends on vendor/ now';

interface RestoreOptions {
  dir?: string;
  install?: boolean;
}

/** Makes a new or a stopped installation be what an archive says, and says what is left to do. */
export async function backupRestoreCommand(
  stage: Stage,
  [file, named]: Words,
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
