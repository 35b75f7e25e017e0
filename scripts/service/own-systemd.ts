import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './waiting.ts';

/** A systemd that runs beside the machine's own processes and touches none of its files. */
export interface OwnSystemd {
  /** Runs a program in it, its words on our own stdout; resolves with the exit code. */
  run(program: string, ...args: string[]): Promise<number>;
  /** The same, and gives back what it wrote. */
  ask(program: string, ...args: string[]): { code: number; out: string };
  end(): Promise<void>;
}

const PROGRAMS = ['unshare', 'nsenter', 'pivot_root', 'mount', 'ip', 'systemctl'];
const BOOT_MS = 60_000;

/** Why none can be booted here, in words; undefined when it can be tried. */
export function whyNoOwn(): string | undefined {
  if (process.platform !== 'linux') return 'systemd is for Linux';
  if (process.getuid?.() !== 0) return 'only root can boot a systemd of its own';
  const missing = PROGRAMS.filter((one) => spawnSync(one, ['--help'], { stdio: 'ignore' }).error);
  if (missing.length > 0) return `not installed here: ${missing.join(', ')} (Debian: util-linux, iproute2, systemd)`;
  if (!cgroups()) return 'there is no cgroup v2 file system';
  return undefined;
}

/** Boots it; `folders` can be read in it as they are. Throws when it does not come up. */
export async function bootOwn(folders: string[]): Promise<OwnSystemd> {
  const group = `try-service-${process.pid}`;
  const script = join(import.meta.dirname, 'own-systemd.sh');
  const layer = mkdtempSync(join(tmpdir(), 'try-service-'));
  const outer = spawn('/bin/sh', [script, group, layer, ...folders], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [outer.stdout, outer.stderr])
    stream.on('data', (text) => (said = `${said}${text}`.slice(-4_000)));
  const own = ownSystemd(outer, group, layer);
  try {
    await until('systemd is up', BOOT_MS, () => {
      if (outer.exitCode !== null) throw new Error(`it ended with code ${outer.exitCode}`);
      return /running|degraded/.test(own.ask('systemctl', 'is-system-running').out) || undefined;
    });
    return own;
  } catch (error) {
    await own.end();
    throw new Error(`no systemd of its own could be booted: ${(error as Error).message}\n${said}`);
  }
}

function ownSystemd(outer: ChildProcess, group: string, layer: string): OwnSystemd {
  const first = () =>
    Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim().split(' ')[0]);
  const enter = (program: string, args: string[]) => [
    '-t',
    String(first()),
    '-a',
    'env',
    '-i',
    ...ENVIRONMENT,
    program,
    ...args,
  ];
  return {
    run(program, ...args) {
      const child = spawn('nsenter', enter(program, args), { stdio: ['ignore', 'inherit', 'inherit'] });
      return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
    },
    ask(program, ...args) {
      const { status, stdout } = spawnSync('nsenter', enter(program, args), { encoding: 'utf8', timeout: BOOT_MS });
      return { code: status ?? 1, out: stdout ?? '' };
    },
    async end() {
      if (outer.exitCode === null && outer.signalCode === null) {
        const ended = new Promise((resolve) => outer.once('exit', resolve));
        // With its first process everything in it ends.
        try {
          process.kill(first(), 'SIGKILL');
        } catch {
          outer.kill('SIGKILL');
        }
        await ended;
      }
      // The mounts on the folder were the trial's own: the folder is empty, or stays.
      rmdirSync(layer);
      await until('its cgroups are gone', 5_000, () => removed(join(cgroups()!, group))).catch(() => {});
    },
  };
}

const ENVIRONMENT = ['HOME=/root', `PATH=${process.env.PATH}`, 'TERM=dumb'];

function cgroups(): string | undefined {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , kind]) => kind === 'cgroup2')?.[1];
}

/** A cgroup can only be removed when it is empty. */
function removed(folder: string): true | undefined {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) removed(join(folder, entry.name));
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? true : undefined;
  }
}

/** A user of the private systemd, made for the trial; its own systemd is started. */
export async function userOf(own: OwnSystemd, name: string): Promise<{ uid: string; home: string }> {
  const home = `/home/${name}`;
  if (own.ask('useradd', '--create-home', '--home-dir', home, name).code !== 0)
    throw new Error(`useradd ${name} failed`);
  const uid = own.ask('id', '-u', name).out.trim();
  const { code } = own.ask('systemctl', 'start', `user@${uid}.service`);
  if (code !== 0) throw new Error(`user@${uid}.service cannot be started`);
  return { uid, home };
}

/** Folders that a process needs to run this script and the host: the checkout, and Node where it lies elsewhere. */
export function neededFolders(checkout: string): string[] {
  const node = execFileSync('readlink', ['-f', process.execPath], { encoding: 'utf8' }).trim();
  return node.startsWith(`${checkout}/`) ? [checkout] : [checkout, join(node, '..')];
}
