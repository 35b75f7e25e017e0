import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { logLookup } from '../../src/host/api/log-lines.ts';
import { readArgs } from '../../src/operations/table.ts';

const folder = mkdtempSync(join(tmpdir(), 'daruma-log-lines-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (second: number, fields: object) =>
  JSON.stringify({ time: `2026-11-22T12:00:0${second}.000Z`, level: 'info', msg: `line ${second}`, ...fields });
const call = { role: 'reader', item: () => true, gone: new AbortController().signal } as const;

describe('the operation logs', () => {
  it('gives the newest lines that are asked for, oldest first', async () => {
    writeFileSync(
      join(folder, 'daruma.2026-11-22.1.log'),
      [
        line(1, { agent: 'a', job: 'job-1' }),
        line(2, { agent: 'b', level: 'error', data: { url: 'https://Shop.example' } }),
        'torn',
        line(3, { agent: 'a', job: 'job-2', level: 'warn' }),
        line(4, { level: 'debug' }),
      ].join('\n'),
    );
    const { logs } = logLookup(() => folder);
    const ask = async (args: object) => (await logs(readArgs('logs', args), call)).map(({ msg }) => msg);
    expect(await ask({})).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
    expect(await ask({ limit: 2 })).toEqual(['line 3', 'line 4']);
    expect(await ask({ level: 'warn' })).toEqual(['line 2', 'line 3']);
    expect(await ask({ agent: 'a' })).toEqual(['line 1', 'line 3']);
    expect(await ask({ job: 'job-2' })).toEqual(['line 3']);
    expect(await ask({ text: 'shop.EXAMPLE' })).toEqual(['line 2']);
    expect(await ask({ before: '2026-11-22T12:00:03.000Z' })).toEqual(['line 1', 'line 2']);
    expect(await logLookup(() => join(folder, 'nowhere')).logs(readArgs('logs', {}), call)).toEqual([]);
  });

  it('lists the files that are kept, newest first, and neither folders nor links', async () => {
    mkdirSync(folder, { recursive: true });
    for (const name of ['daruma.2026-11-22.10.log', 'daruma.2026-11-22.9.log', 'notes.txt'])
      writeFileSync(join(folder, name), 'twelve bytes');
    mkdirSync(join(folder, 'daruma.2026-11-23.1.log'));
    symlinkSync('/etc/passwd', join(folder, 'daruma.2026-11-24.1.log'));
    const files = await logLookup(() => folder).logFiles({}, call);
    expect(files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['daruma.2026-11-22.10.log', 12],
      ['daruma.2026-11-22.9.log', 12],
    ]);
    expect(await logLookup(() => join(folder, 'nowhere')).logFiles({}, call)).toEqual([]);
  });
});
