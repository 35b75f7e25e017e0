import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pluginFiles } from './plugins.ts';
import { until } from './waiting.ts';

const MAIN = join(import.meta.dirname, '../../dist/main.js');
const SECRET = 'TRIAL_TOKEN';
const WITHIN_MS = 120_000;

export interface Ran {
  code: number;
  out: string;
}

/** The JSON of a command; the checks know its shape. */
// biome-ignore lint/suspicious/noExplicitAny: each command has a shape of its own.
export type Said = any;

/** An installation that is tried as a service, and what is asked of it. */
export interface Trial {
  ofUser: boolean;
  folder: string;
  /** A folder beside it that belongs to the same user. */
  outside: string;
  /** `daruma <args> --json`; `json` is what it printed. */
  daruma(...args: string[]): Promise<Ran & { json: Said }>;
  /** Runs an agent and waits for its end. */
  job(agent: string, input?: unknown): Promise<Said>;
  systemctl(...args: string[]): Promise<Ran>;
  /** The properties of the unit, as systemd says them. */
  show(): Promise<Record<string, string>>;
  /** Waits for a host that works and is another one than `before`. */
  up(ms: number, before?: number): Promise<number>;
  /** A change of the unit, as `systemctl edit` would make it; undefined takes it back. The service is not restarted. */
  edit(lines: string | undefined): Promise<void>;
  /** Writes a file that belongs to the user of the installation. */
  write(file: string, text: string): void;
  /** Every process of the service. */
  processes(): number[];
  /** The folder of the service's cgroup; undefined when it is gone. */
  cgroup(): string | undefined;
  /** Lines that the agent of each second has left. */
  ticks(): number;
  secret: { name: string; file: string };
  remove(): Promise<void>;
}

/** Makes the installation; `owner` is whose it is, undefined for the user who asks. */
export function makeTrial({ ofUser, owner }: { ofUser: boolean; owner: string | undefined }): Trial {
  const home = ofUser ? homedir() : '/var/lib';
  const folder = mkdtempSync(join(home, 'try-'));
  const outside = mkdtempSync(join(home, 'try-outside-'));
  const secretFile = join(mkdtempSync(join(home, 'try-secret-')), 'token');
  writeFileSync(secretFile, 'twelve chars\n', { mode: 0o600 });
  const unit = `daruma-${folder.split('/').at(-1)}.service`;
  const dropIns = ofUser ? join(homedir(), '.config/systemd/user', `${unit}.d`) : `/run/systemd/system/${unit}.d`;

  function write(file: string, text: string) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    if (owner) execFileSync('chown', ['-R', `${owner}:`, folder]);
  }

  async function daruma(...args: string[]) {
    const ran = await run(process.execPath, [MAIN, ...args, '--dir', folder, '--json'], folder);
    let json: Said;
    try {
      json = JSON.parse(ran.out);
    } catch {
      json = undefined;
    }
    return { ...ran, json };
  }

  async function systemctl(...args: string[]) {
    return await run('systemctl', [...(ofUser ? ['--user'] : []), ...args], folder);
  }

  async function show() {
    const { out } = await systemctl('show', unit);
    return Object.fromEntries(out.split('\n').map((line) => line.split(/=(.*)/s).slice(0, 2))) as Record<
      string,
      string
    >;
  }

  let lastCgroup: string | undefined;
  const cgroup = () => (lastCgroup && existsSync(lastCgroup) ? lastCgroup : undefined);

  const trial: Trial = {
    ofUser,
    folder,
    outside,
    daruma,
    systemctl: (verb, ...args) => systemctl(verb!, ...args, ...(verb === 'daemon-reload' ? [] : [unit])),
    show,
    write,
    cgroup,
    secret: { name: SECRET, file: secretFile },
    async job(agent, input) {
      const { json, out } = await daruma('run', agent, '--wait', ...(input ? ['--input', JSON.stringify(input)] : []));
      if (!json) throw new Error(`daruma run ${agent} said: ${out}`);
      return json;
    },
    async up(ms, before) {
      return await until('a new host works', ms, async () => {
        const at = await show();
        if (at.ControlGroup) lastCgroup = join('/sys/fs/cgroup', at.ControlGroup);
        return at.ActiveState === 'active' && Number(at.MainPID) !== before ? Number(at.MainPID) : undefined;
      });
    },
    async edit(lines) {
      rmSync(dropIns, { recursive: true, force: true });
      if (lines !== undefined) {
        mkdirSync(dropIns, { recursive: true });
        writeFileSync(join(dropIns, 'trial.conf'), `[Service]\n${lines}\n`);
      }
      await systemctl('daemon-reload');
    },
    processes: () => (cgroup() ? pidsIn(cgroup()!) : []),
    ticks: () =>
      existsSync(join(folder, 'seen/tick.log'))
        ? readFileSync(join(folder, 'seen/tick.log'), 'utf8').split('\n').length - 1
        : 0,
    async remove() {
      await systemctl('stop', unit);
      await daruma('service', 'uninstall', ...(ofUser ? ['--user'] : []));
      await trial.edit(undefined);
      await systemctl('reset-failed', unit);
      for (const one of [folder, outside, dirname(secretFile)]) rmSync(one, { recursive: true, force: true });
    },
  };
  rmSync(folder, { recursive: true });
  execFileSync(process.execPath, [MAIN, 'init', folder], { stdio: 'ignore' });
  for (const [file, text] of Object.entries(pluginFiles(outside, SECRET))) writeFileSync(join(folder, file), text);
  if (owner) execFileSync('chown', ['-R', `${owner}:`, folder, outside]);
  return trial;
}

function pidsIn(folder: string): number[] {
  try {
    const own = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...below.flatMap(({ name }) => pidsIn(join(folder, name)))];
  } catch {
    return [];
  }
}

function run(program: string, args: string[], cwd: string): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: existsSync(cwd) ? cwd : '/', timeout: WITHIN_MS, env: { ...process.env, NO_COLOR: '1' } };
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, out: `${stdout}${stderr}` });
    });
  });
}
