import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agentChecks, type HostCheckFacts, hostChecks } from '../../src/host/doctor/host-checks.ts';
import { checkInstallation, checkStoreFile } from '../../src/host/doctor/installation.ts';
import { type MachineFacts, readMachine } from '../../src/host/doctor/machine.ts';
import { machineChecks } from '../../src/host/doctor/machine-checks.ts';
import { DAY_MS, GB, MB } from '../../src/kernel/measures.ts';
import type { DoctorCheck } from '../../src/operations/results/doctor.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const stateOf = (checks: readonly DoctorCheck[], name: string) =>
  checks.filter((check) => check.name === name).map(({ state }) => state);
const backup = (ageMs: number, verifiedAt: string | null) => ({
  ...{ file: 'daruma-x.tar.gz', bytes: 1, where: '/backups' },
  at: new Date(NOW - ageMs).toISOString(),
  verifiedAt,
});

const machine: MachineFacts = {
  ...{ now: NOW, node: '26.10.0', clockInSync: true, storeBytes: MB, watchFault: undefined },
  disk: { freeBytes: 76 * GB, totalBytes: 100 * GB },
  logs: { bytes: 210 * MB, budgetBytes: 2 * GB },
  backups: [backup(DAY_MS, '2026-11-20T12:05:00.000Z')],
  openToOthers: [],
  files: { open: 100, most: 65_536 },
};

describe('the machine', () => {
  test('is fine', () => {
    const checks = machineChecks(machine);
    expect(checks.map(({ state }) => state)).toEqual(checks.map(() => 'ok'));
    expect(checks.every(({ fix }) => fix === null)).toBe(true);
    expect(checks.map(({ text }) => text)).toContain('disk 76.0 GB free, store 1 MB, logs 210 MB of 2.0 GB');
  });

  test.each<[string, Partial<MachineFacts>, DoctorCheck['state']]>([
    ['node', { node: '20.19.0' }, 'problem'],
    ['clock', { clockInSync: false }, 'warning'],
    ['clock', { clockInSync: null }, 'unknown'],
    ['disk', { disk: { freeBytes: GB / 4, totalBytes: 100 * GB } }, 'problem'],
    ['disk', { disk: { freeBytes: GB, totalBytes: 10 * GB } }, 'warning'],
    ['disk', { disk: null }, 'unknown'],
    ['backup', { backups: [] }, 'warning'],
    ['backup', { backups: [backup(DAY_MS, null)] }, 'warning'],
    ['backup', { backups: [backup(9 * DAY_MS, '2026-11-13T12:00:00.000Z')] }, 'warning'],
    ['permissions', { openToOthers: [{ path: 'plugins', may: 'write' }] }, 'problem'],
    ['permissions', { openToOthers: [{ path: '.env', may: 'read' }] }, 'warning'],
    ['files', { files: { open: 900, most: 1_000 } }, 'problem'],
    ['files', { files: { open: 1, most: 1_024 } }, 'warning'],
    ['watches', { watchFault: 'ENOSPC: System limit for number of file watchers reached' }, 'problem'],
  ])('%s %j is a %s', (name, facts, state) => {
    const checks = machineChecks({ ...machine, ...facts });
    expect(stateOf(checks, name)).toEqual([state]);
    expect(checks.find((check) => check.name === name)!.fix === null).toBe(state === 'unknown');
  });
});

const noSecrets = { secrets: [], envFile: { isThere: false, unused: [] }, problems: [], notes: [] };
const host: HostCheckFacts = {
  ...{ watchedBy: 'systemd', pid: 812, upMs: DAY_MS, jumpedMs: 3, zone: 'Europe/Berlin', warnings: [], early: [] },
  ...{
    page: { url: 'http://127.0.0.1:7070' },
    isPageWanted: true,
    probation: null,
    processes: [],
    alerts: { hasDeadMan: true, channels: ['mail'] },
    models: null,
    longestJobMs: 60_000,
  },
  ...{ droppedLines: 0, asides: 0, agents: [{ name: 'backup', state: 'ok', why: '' }], rejected: [], unscheduled: [] },
  ...{ secrets: noSecrets, down: [] },
};
const process = { pid: 9, command: 'curl', isOwn: false, isZombie: false, ageMs: 10_000 };
const fault = { code: 'X', message: 'it is so', next: 'do this' };
const missing = { name: 'SHOP_TOKEN', where: null, missing: 'nowhere', agents: ['price-watch'] };

describe('a host', () => {
  test('is fine', () => {
    const checks = [...hostChecks(host), ...agentChecks(host)];
    expect(checks.filter(({ state }) => state !== 'ok')).toEqual([]);
  });

  test.each<[string, Partial<HostCheckFacts>, DoctorCheck['state']]>([
    ['clock-jumps', { jumpedMs: -3_600_000 }, 'warning'],
    ['timezone', { warnings: [{ ...fault, code: 'MACHINE_ZONE' }] }, 'problem'],
    ['store-rows', { asides: 2 }, 'warning'],
    ['log', { droppedLines: 4 }, 'warning'],
    ['supervisor', { watchedBy: 'guardian' }, 'warning'],
    ['supervisor', { watchedBy: null }, 'problem'],
    ['guardian-gone', { warnings: [{ ...fault, code: 'GUARDIAN_GONE' }] }, 'problem'],
    ['page', { page: null, isPageWanted: false }, 'ok'],
    ['page', { page: null }, 'warning'],
    ['page', { page: null, warnings: [{ ...fault, code: 'WEB_LOST' }] }, 'problem'],
    ['config', { probation: { changed: 2, leftMs: 1_000 } }, 'warning'],
    ['children', { processes: [process] }, 'ok'],
    ['children', { processes: [{ ...process, ageMs: DAY_MS }] }, 'problem'],
    ['children', { processes: [{ ...process, ageMs: DAY_MS, isOwn: true }] }, 'ok'],
    ['children', { processes: [{ ...process, isZombie: true }] }, 'warning'],
    ['plugins', { rejected: [fault] }, 'problem'],
    ['secrets', { secrets: { ...noSecrets, secrets: [missing] } }, 'problem'],
    ['slots', { unscheduled: [{ agent: 'backup', fault }] }, 'problem'],
    ['states', { agents: [{ name: 'backup', state: 'quarantined', why: '5 crashes' }] }, 'problem'],
    ['states', { agents: [{ name: 'backup', state: 'paused', why: 'by hand' }] }, 'ok'],
    ['servers', { down: [{ origin: 'https://shop.example', why: '502' }] }, 'warning'],
  ])('%s %j is a %s', (name, facts, state) => {
    const checks = [...hostChecks({ ...host, ...facts }), ...agentChecks({ ...host, ...facts })];
    expect(stateOf(checks, name)).toEqual([state]);
    expect(checks.find((check) => check.name === name)!.fix === null).toBe(state === 'ok');
  });
});

describe('the chain of models', () => {
  type Models = NonNullable<HostCheckFacts['models']>;
  const rung = (name: string, state: Models['chain'][number]['state'], why: string | null = null) => ({
    ...{ name, model: null, state, until: null, provenAt: null, why },
  });
  const checksOf = (...[chain, more]: [Models['chain'], Partial<Models>?]) =>
    hostChecks({ ...host, models: { isListening: true, why: null, chain, ...more } })
      .filter(({ group }) => group === 'llm')
      .map(({ name, state, text, fix }) => [name, state, text, fix]);

  test('is fine with a rung that answers; the others are warnings, each with what to do', () => {
    const chain = [rung('groq', 'ready'), rung('cerebras', 'cooling', '429'), rung('own', 'down', 'ECONNREFUSED')];
    expect(checksOf([...chain, rung('keyless', 'off', 'KEY is not set'), rung('credit', 'closed', '402')])).toEqual([
      ['gateway', 'ok', 'the model gateway listens; 2 of 5 rungs can be asked', null],
      ['rung-groq', 'ok', 'groq: ready', null],
      ['rung-cerebras', 'ok', 'cerebras: cooling (429)', null],
      ['rung-own', 'warning', 'own: down (ECONNREFUSED)', 'daruma models'],
      ['rung-keyless', 'warning', 'keyless: off (KEY is not set)', 'write its key into .env'],
      ['rung-credit', 'warning', 'credit: closed (402)', 'daruma models'],
    ]);
  });

  test('is a problem where no rung can be asked, or no gateway listens', () => {
    expect(checksOf([rung('groq', 'off'), rung('own', 'down')]).map(([name, state]) => `${name} ${state}`)).toEqual([
      ...['gateway ok', 'rung-groq problem', 'rung-own problem'],
    ]);
    const [gateway] = checksOf([rung('groq', 'ready')], { isListening: false, why: 'no port is free' });
    expect(gateway).toEqual([
      'gateway',
      'problem',
      'the model gateway does not listen: no port is free',
      'daruma logs',
    ]);
    expect(checksOf([], { isListening: false })[0]![2]).toContain('it is starting');
  });
});

describe('an installation without a host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-doctor-'));
    for (const name of ['plugins', 'data']) mkdirSync(join(folder, name), { mode: 0o700 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is looked at as far as its folder goes, and nothing is written', async () => {
    const { checks } = await checkInstallation(folder);
    expect(stateOf(checks, 'supervisor')).toEqual(['problem']);
    expect(checks.find(({ name }) => name === 'disk')!.text).toContain('no store yet');
    expect(await checkStoreFile(folder)).toMatchObject({ state: 'unknown' });
  });

  test('tells of parts that others may write or read, and of a store that is none', async () => {
    chmodSync(join(folder, 'plugins'), 0o777);
    writeFileSync(join(folder, '.env'), 'A=1');
    chmodSync(join(folder, '.env'), 0o644);
    writeFileSync(join(folder, 'data/daruma.db'), 'no store at all'.repeat(100));
    const settings = { store: { file: 'data/daruma.db' }, logs: { folder: 'logs', budgetBytes: GB } } as never;
    expect(readMachine({ folder, settings, now: NOW }).openToOthers).toEqual([
      { path: '.env', may: 'read' },
      { path: 'plugins', may: 'write' },
    ]);
    expect(await checkStoreFile(folder)).toMatchObject({
      state: 'problem',
      fix: expect.stringContaining('backup list'),
    });
  });
});
