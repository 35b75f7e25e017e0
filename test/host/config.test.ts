import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAST_GOOD_FILE, openConfigFiles } from '../../src/host/config/files.ts';
import { readConfig } from '../../src/host/config/read.ts';

describe('the settings of the host', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-config-'));
    mkdirSync(join(folder, 'config'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (text: string) => writeFileSync(join(folder, 'config/daruma.yaml'), text);
  const read = (unattended: boolean) => readConfig(openConfigFiles(folder), { unattended, now: 1_000 });
  const works = (text: string) => {
    write(text);
    read(false).worked();
  };

  it('are kept once a host has worked with them, as they were when it began', () => {
    write('timezone: Asia/Tokyo\n');
    const config = read(false);
    expect(existsSync(join(folder, LAST_GOOD_FILE))).toBe(false);
    write('timezone: nowhere\n');
    config.worked();
    expect(readFileSync(join(folder, LAST_GOOD_FILE), 'utf8')).toBe('timezone: Asia/Tokyo\n');
  });

  it('that are wrong are refused with the place and both ways out, when a person starts the host', () => {
    works('timezone: Asia/Tokyo\n');
    write('timzone: Asia/Tokyo\n');
    expect(() => read(false)).toThrow(
      expect.objectContaining({
        plain: expect.objectContaining({
          file: 'config/daruma.yaml',
          line: 1,
          next: expect.stringContaining('cp data/config/last-good.yaml config/daruma.yaml'),
        }),
      }),
    );
  });

  it('that are wrong give way to those that last worked, when nobody is there, and that is told', () => {
    works('timezone: Asia/Tokyo\n');
    write('timezone: nowhere\n');
    const { settings, warning, worked } = read(true);
    expect(settings.timezone).toBe('Asia/Tokyo');
    expect(warning()).toMatchObject([{ code: 'CONFIG_REJECTED', file: 'config/daruma.yaml', line: 1 }]);
    worked();
    expect(readFileSync(join(folder, LAST_GOOD_FILE), 'utf8')).toBe('timezone: Asia/Tokyo\n');
  });

  it('that never worked have nothing to give way to', () => {
    write('timezone: nowhere\n');
    expect(() => read(true)).toThrow();
  });

  it('on probation delete nothing that the good ones would keep, and do once they are good', () => {
    works('retention: { jobs: 10d }\n');
    const text = 'retention: { jobs: 1d, slots: 95d }\nversions: { budget: 1MB }\nlogs: { budget: 10MB }\n';
    write(text);
    const config = read(true);
    config.begun({ isFirstStart: false, now: 1_000 });
    expect(config.selection().is).toBe('on-probation');
    const day = 86_400_000;
    const { settings } = config;
    expect(settings.retention).toEqual({ jobsMs: 10 * day, slotsMs: 95 * day, eventsMs: 90 * day });
    expect(settings.versions.budgetBytes).toBe(256 * 1024 ** 2);
    expect(settings.logs.budgetBytes).toBe(2 * 1024 ** 3);
    const told: number[] = [];
    config.onLive(({ logs }) => told.push(logs.budgetBytes));
    config.approve();
    // The rooms hold these objects.
    expect(config.settings).toBe(settings);
    expect(settings.retention.jobsMs).toBe(day);
    expect(settings.versions.budgetBytes).toBe(1024 ** 2);
    expect(told).toEqual([10 * 1024 ** 2]);
    expect(readFileSync(join(folder, LAST_GOOD_FILE), 'utf8')).toBe(text);
    expect(read(true).selection().is).toBe('good');
  });

  it('on probation are known by what they say: other comments are no change, and are kept', () => {
    works('timezone: Asia/Tokyo\n');
    write('# Where we are.\ntimezone: Asia/Tokyo\n');
    const config = read(true);
    expect(config.selection().is).toBe('good');
    config.worked();
    expect(readFileSync(join(folder, LAST_GOOD_FILE), 'utf8')).toContain('Where we are');
  });

  it('that did harm are kept beside, readable by nobody else, and what was written is left alone', () => {
    works('');
    const text = 'cells: { idle: 1ms }\n';
    write(text);
    const config = read(true);
    config.begun({ isFirstStart: false, now: 1_000 });
    expect(config.reject({ kind: 'lost', why: 'the host was lost twice' }, 5)).toBe(false);
    const [warning] = config.warning();
    expect(warning).toMatchObject({ code: 'CONFIG_TAKEN_BACK', next: expect.stringContaining('daruma config force') });
    const kept = join(folder, String(warning!.data!.kept));
    expect(readFileSync(kept, 'utf8')).toBe(text);
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'config/daruma.yaml'), 'utf8')).toBe(text);
    const next = read(true);
    expect(next.selection().is).toBe('taken-back');
    expect(next.settings.cells.idleMs).toBe(60_000);
    expect(next.origins()).toContainEqual({ path: 'cells.idle', value: '60s', origin: 'default' });
    // Forced: the same file is good, and its copy is not needed any more.
    expect(next.force()).toMatchObject({ isInForce: false, differs: [{ path: 'cells.idle' }] });
    expect(read(true).selection().is).toBe('good');
    expect(existsSync(kept)).toBe(false);
  });

  it('that a host can take while it works are back at once, without another start', () => {
    works('');
    write('logs: { level: error }\nretention: { jobs: 90d }\n');
    const config = read(true);
    config.begun({ isFirstStart: false, now: 1_000 });
    expect(config.settings.logs.level).toBe('error');
    expect(config.reject({ kind: 'by-hand', why: 'was taken back by hand' }, 5)).toBe(true);
    expect(config.settings.logs.level).toBe('info');
    expect(config.settings.retention.jobsMs).toBe(30 * 86_400_000);
  });

  it('with which a host cannot start are bad only when it can with the good ones', () => {
    works('');
    write('control: { socket: no/where.sock }\n');
    const config = read(true);
    config.begun({ isFirstStart: false, now: 1_000 });
    const unsure = config.without('the host cannot start: no such folder', 5)!;
    unsure.begun({ isFirstStart: false, now: 1_000 });
    expect(unsure.settings.control.socket).toBeUndefined();
    // It did not start either: nothing is held against the file.
    expect(read(true).selection().is).toBe('on-probation');
    unsure.reported();
    expect(unsure.selection()).toMatchObject({ is: 'taken-back', bad: { isReported: true } });
    expect(read(true).selection()).toMatchObject({ is: 'taken-back', bad: { kind: 'start', isReported: true } });
    expect(read(true).without('again', 6)).toBeUndefined();
  });

  it('are remembered by a process that cannot write, too', () => {
    works('');
    write('cells: { idle: 1ms }\n');
    const files = openConfigFiles(folder);
    const config = readConfig(files, { unattended: true, now: 1 });
    rmSync(join(folder, 'data'), { recursive: true });
    writeFileSync(join(folder, 'data'), 'no folder');
    config.begun({ isFirstStart: false, now: 1_000 });
    config.reject({ kind: 'lost', why: 'it does harm' }, 5);
    expect(readConfig(files, { unattended: true, now: 9 }).selection().is).toBe('taken-back');
  });
});
