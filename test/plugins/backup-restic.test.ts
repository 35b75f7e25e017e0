import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import backupRestic from '../../plugins/backup-restic.ts';
import { isOwnerGone, thisMachine } from '../../plugins/lib/restic-lock.ts';
import type { Context } from '../../src/plugin/context.ts';
import { GiveUp } from '../../src/plugin/verdicts.ts';
import { requiredProgram } from '../programs.ts';
import { runPlugin, tempFolder, type World } from './context.ts';

const RESTIC = requiredProgram('restic');
const secrets = { RESTIC_PASSWORD: 'correct horse battery' };
const nameOf = (day: string) => `daruma-202611${day}T020000Z.tar.zst`;
const proven = { jobs: 7, entries: 9, bytes: 100, storeHash: 'h', agents: ['shop'] };

/** The real program, without the fence. */
const exec: Context['exec'] = (_, args = [], { cwd, env } = {}) =>
  new Promise((resolve) => {
    execFile(RESTIC, args, { cwd, env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) => {
      const code = error ? Number(error.code ?? 1) : 0;
      resolve({ code, signal: null, stdout, stderr, truncated: false, tookMs: 1 });
    });
  });

function world(days: string[]) {
  const folder = tempFolder();
  const repository = join(folder, 'backups/restic');
  mkdirSync(join(folder, 'backups'));
  const add = (day: string) =>
    writeFileSync(join(folder, 'backups', nameOf(day)), zstdCompressSync(`archive of ${day}`));
  days.forEach(add);
  const proved: string[] = [];
  const prove = async (file: string) => {
    proved.push(readFileSync(file, 'utf8'));
    return proven;
  };
  const states = new Map<string, unknown>();
  const run = (more: World = {}) => runPlugin(backupRestic, { ...{ folder, secrets, exec, states, prove }, ...more });
  return { folder, repository, add, proved, states, run };
}

describe('copies of backups in a repository of restic', () => {
  it('count once each was restored from there, and are kept by the rule of restic; a lock goes only with its owner', async () => {
    const { folder, repository, add, proved, states, run } = world(['20']);
    expect((await run()).result).toEqual({ copied: [nameOf('20')], drilled: null, gone: 0, restored: nameOf('20') });
    states.set('provedAt', Date.now() - 7 * 86_400_000);
    expect((await run()).result).toEqual({ copied: [], drilled: nameOf('20'), gone: 0, restored: nameOf('20') });
    expect(proved).toEqual(['archive of 20', 'archive of 20']);

    // Reads what it is to store from a pipe that nobody closes, and holds its lock meanwhile.
    const holder = spawn(RESTIC, ['backup', '--stdin', '--no-cache'], {
      env: { PATH: process.env.PATH, RESTIC_REPOSITORY: repository, ...secrets },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    onTestFinished(() => void holder.kill('SIGKILL'));
    const locks = () => readdirSync(join(repository, 'locks'));
    await expect.poll(locks, { timeout: 60_000 }).toHaveLength(1);
    add('21');
    const prove = async () => Promise.reject(new Error('the store is damaged'));
    await expect(run({ prove })).rejects.toThrow('21T020000Z.tar.zst did not prove good, and is there still');
    expect(locks()).toHaveLength(1);
    expect(states.get('unproven')).toBe(nameOf('21'));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    // The snapshot that did not prove good is taken up again, and forgotten now.
    await expect(run({ prove })).rejects.toThrow('the store is damaged');
    expect(locks()).toEqual([]);

    const keep = { daily: 1, weekly: 0, monthly: 0 };
    expect((await run({ settings: { keep } })).result).toEqual({
      ...{ copied: [nameOf('21')], drilled: null, gone: 1 },
      restored: nameOf('21'),
    });
    expect(proved.at(-1)).toBe('archive of 21');
    expect([...states.keys()]).toEqual(['provedAt']);
    expect(readdirSync(join(folder, 'backups')).sort()).toEqual([...['20', '21'].map(nameOf), 'restic']);
  });

  it('are given up where the password is another one', async () => {
    const wrong = {
      code: 1,
      signal: null,
      stdout: '',
      stderr: 'Fatal: wrong password or no key found',
      truncated: false,
      tookMs: 1,
    };
    await expect(world(['20']).run({ exec: async () => wrong })).rejects.toThrow(GiveUp);
  });
});

describe('the owner of a lock', () => {
  const lock = { time: '2026-11-22T02:00:00Z', hostname: 'here', pid: 7, username: '' };
  const at = (seconds: number) => Date.parse(lock.time) + seconds * 1_000;
  const here = { hostname: 'here', bootedAt: at(-9_000), processes: [] };
  const seen = (pids: number[], startedAt: number) => ({ ...here, processes: [{ pids, startedAt }] });

  it.each([
    ['gone', here, true],
    ['on another machine', { ...here, hostname: 'there' }, false],
    ['there', seen([7], at(-60)), false],
    ['there, behind a fence where pids are others', seen([4_711, 7], at(-60)), false],
    ['gone, its pid somebody else’s by now', seen([7], at(60)), true],
    ['gone with another boot, whoever can be seen', { ...here, bootedAt: at(60), processes: null }, true],
    ['perhaps there: not every process can be seen', { ...here, processes: null }, false],
  ])('is %s', (_, machine, gone) => {
    expect(isOwnerGone(lock, machine)).toBe(gone);
  });

  it('is looked for among the processes of this machine', async () => {
    const machine = await thisMachine();
    expect(machine.hostname).toBe(hostname());
    const own = machine.processes?.find(({ pids }) => pids.includes(process.pid));
    expect(Math.abs(own!.startedAt - (Date.now() - process.uptime() * 1_000))).toBeLessThan(60_000);
  });
});
