import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whyNotFor } from '../../src/cli/service/systemctl.ts';
import { unitName, unitText } from '../../src/cli/service/unit.ts';
import { openSystemd } from '../../src/host/lifecycle/systemd.ts';
import { cli } from '../cli/process.ts';
import { type NotifySocket, notifySocket } from './notify-socket.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const has = (program: string) => !spawnSync(program, ['--version']).error;

let folder: string;
let socket: NotifySocket | undefined;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-systemd-')));
  mkdirSync(join(folder, 'plugins'));
  socket = await notifySocket(folder);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
  }
  socket?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A host as systemd starts it. */
function startHost(flags: string[] = []) {
  const child = spawn(process.execPath, [...flags, MAIN, 'host', '--dir', folder], {
    env: { ...process.env, NOTIFY_SOCKET: socket!.path, WATCHDOG_USEC: '2000000' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (text) => (said = said + text));
  return { child, said: () => said, ended: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
}

describe('what systemd hears of a host', () => {
  it('is that it is ready, that its loops turn, and that it stops; nobody reads of an experiment', async (test) => {
    if (!socket) return test.skip('this Node has no node:ffi, so there is no socket to listen on');
    const { child, said, ended } = startHost();
    expect(await socket.hears('READY=1')).toContain('STATUS=0 agents');
    await socket.hears('WATCHDOG=1');
    const status = await cli(['status', '--json'], { cwd: folder });
    expect(JSON.parse(status.out).host).toMatchObject({ watchedBy: 'systemd', guardian: null, pid: child.pid });
    // To a service it is no word to end.
    child.kill('SIGHUP');
    child.kill('SIGTERM');
    await socket.hears('STOPPING=1');
    expect(await ended).toBe(143);
    expect(said()).not.toMatch(/Experimental|warning/i);
  });

  it('comes by systemd-notify where Node cannot say it itself', async (test) => {
    if (!socket || !has('systemd-notify')) return test.skip('there is no node:ffi or no systemd-notify here');
    const { child, ended } = startHost(['--no-experimental-ffi']);
    await socket.hears('READY=1');
    await socket.hears('WATCHDOG=1');
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
  });

  it('is why it cannot start: wrong settings end it for good, and whatever may mend itself is waited for', async (test) => {
    if (!socket) return test.skip('this Node has no node:ffi, so there is no socket to listen on');
    mkdirSync(join(folder, 'config'));
    const settings = join(folder, 'config/daruma.yaml');
    writeFileSync(settings, 'logs: { budgt: 1MB }\n');
    expect(await startHost().ended).toBe(78);
    expect(socket.messages().at(-1)).toMatch(/^STATUS=cannot start: .*budgt/);
    rmSync(settings);
    const first = startHost();
    await socket.hears('READY=1');
    const second = startHost();
    expect(await socket.hears('STATUS=cannot start: a host already runs')).toContain('; the next try is in 10s');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
    // Nothing but `daruma stop` ends a service with the code that keeps it down.
    expect(await cli(['stop'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(await first.ended).toBe(0);
  });

  it('is no sign of life while a loop stands still, and again one when it turns', (test) => {
    if (!socket) return test.skip('this Node has no node:ffi, so there is no socket to listen on');
    const env: NodeJS.ProcessEnv = { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: '30000000' };
    const systemd = openSystemd(env)!;
    expect(env).toEqual({});
    systemd.pulse(0, undefined);
    systemd.pulse(9_000, undefined);
    systemd.pulse(10_000, undefined);
    systemd.ready('3 agents');
    for (let second = 0; second <= 30; second++) systemd.pulse(second * 1_000, undefined);
    systemd.pulse(31_000, 'schedule has not turned for 46 s');
    for (let second = 32; second <= 90; second++) systemd.pulse(second * 1_000, 'schedule has not turned for 47 s');
    systemd.pulse(91_000, undefined);
    systemd.stopping();
    const more = 'EXTEND_TIMEOUT_USEC=60000000';
    const ready = 'READY=1\nSTATUS=3 agents';
    const stalled = 'STATUS=stalled: schedule has not turned for 46 s';
    const received = socket.messages();
    expect(received.slice(0, -1)).toEqual([
      more,
      more,
      ready,
      'WATCHDOG=1',
      'WATCHDOG=1',
      'WATCHDOG=1',
      stalled,
      'WATCHDOG=1',
    ]);
    expect(received.at(-1)).toContain('STOPPING=1');
  });

  it('is nothing where there is no systemd', () => {
    expect(openSystemd({})).toBeUndefined();
  });
});

describe('the unit', () => {
  const facts = {
    folder: '/srv/ops',
    node: process.execPath,
    main: MAIN,
    ofUser: false,
    user: 'daemon',
    speaksItself: true,
    needsNoTmp: true,
  };

  it.each([
    ['of the machine', {}],
    ['with a folder whose name systemd would read wrongly', { folder: '/srv/my "ops" 50%$HOME' }],
    ['without the means to speak itself, in the temporary folder', { speaksItself: false, needsNoTmp: false }],
  ])('%s is found good by systemd-analyze', (_name, change) => {
    if (!has('systemd-analyze')) return console.log('NOT CHECKED: systemd-analyze is not here');
    const file = join(folder, unitName('/srv/ops'));
    writeFileSync(file, unitText({ ...facts, ...change }));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
    const security = execFileSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
    const exposure = Number(/level for .*: ([\d.]+)/.exec(security)![1]);
    console.log(`exposure ${exposure} of 10`);
    expect(exposure).toBeLessThan(4);
  });

  it('gives systemd the part of the guardian: it is told of progress, restarts for ever, and heeds a stop', () => {
    const lines = unitText(facts).split('\n');
    for (const line of [
      'Type=notify',
      'NotifyAccess=main',
      `ExecStart=${process.execPath} ${MAIN} host --dir /srv/ops`,
      'WatchdogSec=30',
      'Restart=always',
      'RestartSec=1',
      'RestartPreventExitStatus=0 78',
      'SuccessExitStatus=143',
      'StartLimitIntervalSec=0',
      'OOMPolicy=continue',
      'User=daemon',
      'Delegate=yes',
      'ReadWritePaths=/srv/ops -/sys/fs/cgroup/system.slice/%n',
    ])
      expect(lines).toContain(line);
  });

  it('of a user asks for nothing that only root can give', () => {
    const text = unitText({ ...facts, ofUser: true, user: null });
    expect(text).not.toMatch(/^(User|Protect\w+|Private\w+|ReadWritePaths|CapabilityBoundingSet)=/m);
    expect(text).toContain('WantedBy=default.target');
  });

  it('is named after the folder', () => {
    expect(['/srv/my ops', '/srv/x/', '/', '/srv/…'].map(unitName)).toEqual([
      'daruma-my-ops.service',
      'daruma-x.service',
      'daruma-root.service',
      'daruma-agents.service',
    ]);
  });
});

describe('daruma service', () => {
  const service = (...args: string[]) =>
    cli(['service', ...args, '--dir', folder, '--json'], {
      cwd: folder,
      env: { XDG_CONFIG_HOME: join(folder, 'config-home') },
    });

  it("installs, shows and removes a user's unit, and says what is to be done where systemd does not run", async (test) => {
    if (existsSync('/run/systemd/system')) return test.skip('systemd runs here: its units are left alone');
    expect(await service('status')).toMatchObject({ code: 1, out: expect.stringContaining('SERVICE_MISSING') });
    const dry = await service('install', '--user', '--dry-run');
    const { file, text } = JSON.parse(dry.out);
    expect(existsSync(file)).toBe(false);
    // Nobody reads it here: it is written when somebody asks for just that.
    expect(await service('install', '--user')).toMatchObject({
      code: 3,
      out: expect.stringContaining('"systemd": false'),
    });
    expect(existsSync(file)).toBe(false);
    const installed = JSON.parse((await service('install', '--user', '--write-only')).out);
    expect(installed).toMatchObject({ file, changed: true, started: false, ofUser: true });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(text).toContain(`--dir ${folder}`);
    expect(JSON.parse((await service('install', '--user', '--write-only')).out)).toMatchObject({ changed: false });
    expect(await service('status')).toMatchObject({ code: 3 });
    // What somebody has written with `systemctl edit` is not ours to take away.
    mkdirSync(`${file}.d`);
    const removed = await service('uninstall');
    expect(JSON.parse(removed.out)).toMatchObject({ stopped: false, left: `${file}.d` });
    expect(removed.code).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  it('of a folder is not that of another one of its name, as a copy has', async () => {
    const installed = JSON.parse((await service('install', '--user', '--write-only')).out);
    const copy = join(folder, 'copies', basename(folder));
    mkdirSync(join(copy, 'plugins'), { recursive: true });
    const ofCopy = (...args: string[]) =>
      cli(['service', ...args, '--dir', copy, '--json'], {
        cwd: copy,
        env: { XDG_CONFIG_HOME: join(folder, 'config-home') },
      });
    expect((await ofCopy('uninstall')).out).toContain(`${installed.file} is that of ${folder}`);
    const second = JSON.parse((await ofCopy('install', '--user', '--write-only')).out);
    expect(second).toMatchObject({ changed: true, name: expect.stringMatching(/-[0-9a-f]{8}\.service$/) });
    expect((await service('uninstall')).code).toBe(0);
    expect(JSON.parse((await ofCopy('uninstall')).out)).toMatchObject({ file: second.file });
  });

  it.runIf(process.getuid?.() === 0)('sees beforehand that the owner of the folder could not run it', async () => {
    // As in a home folder: systemd would try it every second, for ever.
    const hidden = join(folder, 'hidden');
    mkdirSync(hidden, { mode: 0o700 });
    writeFileSync(join(hidden, 'main.js'), '');
    const somebody = { uid: 1, gid: 1, name: 'somebody' };
    expect(await whyNotFor(somebody, process.execPath, join(hidden, 'main.js'))).toMatch(/EACCES|Cannot find|denied/);
    expect(await whyNotFor({ ...somebody, uid: 0 }, process.execPath, join(hidden, 'main.js'))).toBeUndefined();
  });

  it('installs nothing for a folder that is no installation', async () => {
    rmSync(join(folder, 'plugins'), { recursive: true });
    expect((await service('install', '--user')).out).toContain('NO_INSTALLATION');
  });
});
