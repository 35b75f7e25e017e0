import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostOf, socketPath } from '../../control/place.ts';
import { Fault } from '../../kernel/fault.ts';
import { entryFile } from '../../kernel/paths.ts';
import { isInstallation } from '../folder.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { ownerOf, type UnitPlace, unitPlace } from '../service/place.ts';
import { complaints, systemctl, systemdRuns, whyNotFor } from '../service/systemctl.ts';
import { type UnitFacts, unitText } from '../service/unit.ts';

interface InstallOptions {
  user?: boolean;
  dryRun?: boolean;
  writeOnly?: boolean;
}

/** Writes the systemd unit of the installation, has it checked, and starts it where systemd runs. */
export async function serviceInstallCommand(
  stage: Stage,
  _words: Words,
  { user = false, dryRun = false, writeOnly = false }: InstallOptions,
): Promise<CommandResult> {
  const { folder } = stage;
  expectInstallation(folder);
  const place = unitPlace(folder, user);
  const facts = unitFacts(folder, place.ofUser);
  const text = unitText(facts);
  const notes = notesOn(facts);
  if (dryRun) {
    if (!stage.json) stage.note(`would write ${place.file}:\n`);
    const lines = [text.trimEnd(), ...notes.map((note) => `# ${note}`)];
    return { json: { ...place, text, notes, dryRun: true }, lines };
  }
  if (!systemdRuns() && !writeOnly) return withoutSystemd(stage, place);
  if (!place.ofUser) await expectAccess(folder, facts);
  const changed = write(place, text);
  const found = await complaints(place);
  const started = await start(stage, place);
  const json = { ...place, changed, complaints: found ?? null, started: started.is, notes, text };
  const lines = installedLines(stage, place, { changed, complaints: found, started: started.lines, notes });
  return { json, lines, code: started.failed ? 1 : 0 };
}

/** Throws where no host can work, or no unit can name the folder. */
function expectInstallation(folder: string): void {
  if (!isInstallation(folder)) {
    throw new Fault({
      code: 'NO_INSTALLATION',
      message: `${folder} has neither plugins/ nor config/daruma.yaml`,
      next: 'daruma init my-ops makes a new one; --dir names another one',
    });
  }
  // A line of a unit is one folder: what begins another line in it would be read as settings.
  if (!/[\n\r]|\s$/.test(folder)) return;
  throw new Fault({
    code: 'FOLDER_NAME',
    message: `systemd takes no folder whose name ends with a blank or has a line break: ${JSON.stringify(folder)}`,
    next: 'give it another name; daruma start works there without systemd',
  });
}

interface Installed {
  changed: boolean;
  /** Of `systemd-analyze verify`; undefined where it could not look. */
  complaints: string[] | undefined;
  started: string[];
  notes: string[];
}

function installedLines(
  { paint }: Stage,
  place: UnitPlace,
  { changed, complaints, started, notes }: Installed,
): string[] {
  const checked =
    complaints === undefined
      ? '· not checked: systemd-analyze cannot look at it here'
      : complaints.length === 0
        ? `${paint('green', '✓')} systemd-analyze verify has nothing to say against it`
        : `${paint('yellow', '!')} systemd-analyze verify: ${complaints.join('\n  ')}`;
  return [
    `${paint('green', '✓')} ${place.file} ${changed ? 'written' : 'is there already, unchanged'}`,
    checked,
    ...started,
    ...notes.map((note) => `${paint('yellow', '!')} ${note}`),
    '',
    'to look at it:',
    ...lookAt(place).map((command) => `  ${command}`),
  ];
}

/** A unit is of no use where systemd does not run; an image that is booted later may want it. */
function withoutSystemd({ paint }: Stage, place: UnitPlace): CommandResult {
  const user = place.ofUser ? ' --user' : '';
  return {
    json: { ...place, changed: false, started: false, systemd: false },
    lines: [
      `${paint('yellow', '!')} systemd does not run here (a container, perhaps): nothing was written`,
      '  daruma start keeps its host running without it; to write the unit all the same, for an image that is booted later:',
      `  ${paint('cyan', '→')} daruma service install${user} --write-only`,
    ],
    code: 3,
  };
}

/** A Node in a user's home folder is the usual reason: systemd would try it every second, for ever. */
async function expectAccess(folder: string, { node, main }: UnitFacts): Promise<void> {
  const owner = ownerOf(folder);
  const why = await whyNotFor(owner, node, main);
  if (why === undefined) return;
  throw new Fault({
    code: 'SERVICE_NO_ACCESS',
    message: `${owner.name}, to whom ${folder} belongs, cannot run ${node} ${main}: ${why}`,
    next: `let ${owner.name} read both; or install Node and Daruma where everybody may, as in ${folder}/node_modules`,
  });
}

/** Whether the file is another one now. */
function write({ file, ofUser }: UnitPlace, text: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true });
    if (readIfThere(file) === text) return false;
    writeFileSync(file, text, { mode: 0o644 });
    return true;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (ofUser || (code !== 'EACCES' && code !== 'EPERM')) throw cause;
    const next = 'sudo daruma service install; or daruma service install --user, which needs no root';
    throw new Fault({ code: 'SERVICE_FORBIDDEN', message: `only root may write there: ${message}`, next }, { cause });
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

interface Started {
  is: boolean;
  failed: boolean;
  lines: string[];
}

async function start({ folder, paint }: Stage, place: UnitPlace): Promise<Started> {
  const own = place.ofUser ? 'systemctl --user' : 'systemctl';
  if (!systemdRuns()) {
    const why = '· systemd does not run here (a container, perhaps): nothing is started. Where it does:';
    return { is: false, failed: false, lines: [why, `  ${own} enable --now ${place.name}`] };
  }
  const host = hostOf(folder);
  await systemctl(place, 'daemon-reload');
  if (host) {
    const why = `${paint('yellow', '!')} not started: a host runs already, pid ${host.pid}. Then:`;
    return { is: false, failed: false, lines: [why, `  daruma stop && ${own} enable --now ${place.name}`] };
  }
  const { code, said } = await systemctl(place, 'enable', '--now', place.name);
  if (code === 0) return { is: true, failed: false, lines: [`${paint('green', '✓')} enabled and started`] };
  return { is: false, failed: true, lines: [`${paint('red', '✗')} ${own} enable --now: ${said.trim()}`] };
}

function lookAt({ name, ofUser }: UnitPlace): string[] {
  const user = ofUser ? '--user ' : '';
  return [`systemctl ${user}status ${name}`, `journalctl ${user}-u ${name} -n 50`, 'daruma status'];
}

/** Hints for the machine's owner. */
function notesOn({ folder, main, user, ofUser, speaksItself }: UnitFacts): string[] {
  const notes: string[] = [];
  if (user === 'root') {
    notes.push(
      `${folder} belongs to root, so the service runs as root: chown it to a user of its own, and install again`,
    );
  }
  if (main.includes('/_npx/'))
    notes.push(`${main} is in a cache that npm clears: npm install daruma, and install again`);
  if (ofUser) notes.push('it ends when you log out, unless: loginctl enable-linger');
  if (!speaksItself) notes.push('this Node has no node:ffi: systemd-notify is started for each sign of life');
  return notes;
}

/** The facts in the unit of this installation: this node, this Daruma, the owner of the folder. */
function unitFacts(folder: string, ofUser: boolean): UnitFacts {
  return {
    folder,
    node: realpathSync(process.execPath),
    main: fileURLToPath(entryFile('main.js')),
    ofUser,
    user: ofUser ? null : ownerOf(folder).name,
    speaksItself: isBuiltin('node:ffi'),
    needsNoTmp: ![folder, socketPath(folder)].some((path) => /^\/(var\/)?tmp\//.test(path)),
  };
}
