import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
    const { settings, concern, worked } = read(true);
    expect(settings.timezone).toBe('Asia/Tokyo');
    expect(concern()).toMatchObject([{ code: 'CONFIG_REJECTED', file: 'config/daruma.yaml', line: 1 }]);
    worked();
    expect(readFileSync(join(folder, LAST_GOOD_FILE), 'utf8')).toBe('timezone: Asia/Tokyo\n');
  });

  it('that never worked have nothing to give way to', () => {
    write('timezone: nowhere\n');
    expect(() => read(true)).toThrow();
  });
});
