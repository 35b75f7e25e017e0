/**
 * Installs Daruma as a service of a systemd that really runs, and does to it what happens to services. Prints a line
 * for each check; the exit code is 1 when a check failed, and 2 where nothing can be tried.
 *
 * npm run build && npm run try:service -- [--user] [--as <user>] [--own] [--only <words>] [--patience <times>]
 *
 * As root the service is one of the machine's, under the name of `--as` (default daemon); else, or with `--user`, one
 * of the user's own systemd. The trial brings a folder of its own and takes everything away again. `--own` boots a
 * systemd beside the machine's own processes (a container without one, CI): as root, in namespaces, on a throw-away
 * layer over the root file system; both kinds of services are tried in it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NotHere } from './service/checks.ts';
import { LIFE } from './service/checks-life.ts';
import { END, UNIT } from './service/checks-unit.ts';
import { bootOwn, neededFolders, userOf, whyNoOwn } from './service/own-systemd.ts';
import { makeTrial, type Trial } from './service/trial.ts';
import { bePatient } from './service/waiting.ts';

const { values } = parseArgs({
  options: {
    user: { type: 'boolean', default: process.getuid?.() !== 0 },
    as: { type: 'string', default: 'daemon' },
    own: { type: 'boolean', default: false },
    /** Every deadline is so many times as long. */
    patience: { type: 'string', default: '1' },
    /** Only checks whose name holds this, besides those that install and uninstall. */
    only: { type: 'string', default: '' },
  },
});
bePatient(Number(values.patience) || 1);
const ROOT = join(import.meta.dirname, '..');

if (!existsSync(join(ROOT, 'dist/main.js'))) cannot('there is no dist/: npm run build');
process.exitCode = values.own ? await inOwn() : await here();

/** Tries both kinds in a systemd of its own. */
async function inOwn(): Promise<number> {
  const why = whyNoOwn();
  if (why) cannot(why);
  const own = await bootOwn(neededFolders(ROOT));
  try {
    const again = [
      process.execPath,
      import.meta.filename,
      '--only',
      values.only,
      '--patience',
      values.patience,
    ] as const;
    const machine = await own.run(...again);
    const { uid, home } = await userOf(own, 'trial');
    const variables = [`HOME=${home}`, `XDG_RUNTIME_DIR=/run/user/${uid}`, `PATH=${process.env.PATH}`];
    const user = await own.run('runuser', '-u', 'trial', '--', 'env', '-i', ...variables, ...again, '--user');
    return Math.max(machine, user);
  } finally {
    await own.end();
  }
}

async function here(): Promise<number> {
  if (!existsSync('/run/systemd/system')) cannot('systemd does not run here; as root, --own boots one for the trial');
  const kind = values.user ? ['--user'] : [];
  const asked = spawnSync('systemctl', [...kind, 'show-environment'], { encoding: 'utf8' });
  if (asked.status !== 0)
    cannot(`systemctl ${kind.join(' ')} does not answer: ${asked.error?.message ?? asked.stderr.trim()}`);
  if (!values.user && spawnSync('id', ['-u', values.as]).status !== 0)
    cannot(`there is no user ${values.as}: --as names another one`);
  const version = execFileSync('systemctl', ['--version'], { encoding: 'utf8' }).split('\n')[0];
  console.log(`a service ${values.user ? "of the user's own systemd" : `of the machine, as ${values.as}`}: ${version}`);
  const trial = makeTrial({ ofUser: values.user, owner: values.user ? undefined : values.as });
  try {
    return await tryAll(trial);
  } finally {
    await trial.remove();
  }
}

async function tryAll(trial: Trial): Promise<number> {
  const [install, ...unit] = UNIT;
  const middle = [...unit, ...LIFE, ...END.slice(0, -1)].filter(({ name }) => name.includes(values.only));
  let failed = 0;
  for (const { name, look } of [install!, ...middle, END.at(-1)!]) {
    try {
      console.log(`✓ ${name}: ${await look(trial)}`);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof NotHere) {
        console.log(`· ${name}: not looked at, ${message}`);
        continue;
      }
      failed += 1;
      console.log(`✗ ${name}: ${message}`);
      // Without a service that was installed there is nothing to look at.
      if (name === install!.name) break;
    }
  }
  return failed > 0 ? 1 : 0;
}

function cannot(why: string): never {
  console.error(`cannot be tried here: ${why}`);
  process.exit(2);
}
