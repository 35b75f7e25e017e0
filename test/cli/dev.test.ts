import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changeLines, devBanner } from '../../src/cli/dev/screen.ts';
import { plain } from '../../src/cli/text/paint.ts';
import { readHostFile } from '../../src/control/place.ts';
import type { ChangeView } from '../../src/control/protocol.ts';
import { processesNaming } from '../processes.ts';
import { temporaryInstallation } from './fake-host.ts';
import { cli, startCli } from './process.ts';
import { status } from './views.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = temporaryInstallation()));
afterEach(() => remove());

const save = (body: string) =>
  writeFileSync(
    join(folder, 'plugins/price-watch.ts'),
    `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'A test.',
  schedule: '0 0 1 1 *',
  run({ log }) {
    ${body}
  },
});
`,
  );

const nothingIsLeft = () => expect.poll(() => processesNaming(folder), { timeout: 15_000 }).toEqual([]);

describe('dev', () => {
  test('shows the log, answers each save, and leaves nothing when it is interrupted', async () => {
    save("log.info('fetched 212 items', { ms: 310 });");
    const dev = startCli(['dev'], { cwd: folder });
    await dev.says('1 loaded');
    const run = await cli(['run', 'price-watch', '--wait'], { cwd: folder });
    expect(run.code).toBe(0);
    await dev.says('INFO  fetched 212 items  ms=310');

    save("log.info('fetched none') +;");
    await dev.says('still running version');
    save("log.info('fetched all');");
    await dev.says('loaded in');
    dev.child.kill('SIGINT');
    const { code, out, err } = await dev.ended;
    expect({ code, err: err.replace(/ {2}starting: .*\n/, '') }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/✗ Unexpected ";"\n {2}at plugins\/price-watch\.ts:6:\d+\n(.*\n)+? {2}> 6 \|.*\n/);
    expect(out).toMatch(/↻ price-watch version [0-9a-f]{4} loaded in \S+ · next .*01-01 00:00/);
    expect(out.indexOf('still running')).toBeLessThan(out.indexOf('loaded in'));
    expect(out.trimEnd()).toMatch(/✓ stopped$/);
    await nothingIsLeft();
  });

  test('a host does not outlive it, even when it is killed', async () => {
    save("log.info('x');");
    const dev = startCli(['dev', '--json'], { cwd: folder });
    await dev.says('"ready"');
    dev.child.kill('SIGKILL');
    await dev.ended;
    await nothingIsLeft();
  });

  test('says so when a host runs here already, and lets it be', async () => {
    save("log.info('x');");
    const first = startCli(['dev', '--json'], { cwd: folder });
    await first.says('"ready"');
    const pid = readHostFile(folder)!.pid;
    const second = await cli(['dev'], { cwd: folder });
    expect(second.code).toBe(1);
    expect(second.err).toContain(String(pid));
    expect((await cli(['status'], { cwd: folder })).code).toBe(0);
    first.child.kill('SIGTERM');
    const { code, out } = await first.ended;
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line))[0])).toContain('ready');
  });

  // `script` gives a process a terminal of its own.
  test.skipIf(spawnSync('script', ['--version']).status !== 0)('has keys on a terminal, and q ends it', async () => {
    save("log.info('hello from r');");
    const command = `${process.execPath} ${MAIN} dev --dir ${folder}`;
    const terminal = spawn('script', ['-qfec', command, '/dev/null'], { env: { ...process.env, NO_COLOR: '1' } });
    let out = '';
    terminal.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    const ended = new Promise((resolve) => terminal.once('close', resolve));
    const says = (text: string | RegExp) => expect.poll(() => out, { timeout: 20_000 }).toMatch(text);
    try {
      await says(/r run an agent {3}s status {3}i incidents {3}l log level {3}h help {3}q quit/);
      const keys: [string, RegExp][] = [
        ['r', /hello from r[\s\S]*✓ ok in/],
        ['s', /AGENT +STATE/],
        ['i', /no incidents/],
        ['l', /log level warn \(l again: error\)/],
        ['h', / {2}q quit\r\n/],
        ['q', /✓ stopped/],
      ];
      for (const [key, answer] of keys) {
        terminal.stdin.write(key);
        await says(answer);
      }
      expect(await ended).toBe(0);
    } finally {
      terminal.kill('SIGKILL');
    }
    await nothingIsLeft();
  });
});

describe('what dev says', () => {
  const look = { paint: plain, width: 100, clock: { now: Date.parse('2026-11-22T11:05:00Z'), zone: 'Europe/Berlin' } };
  const change = (own: Partial<ChangeView>): ChangeView => ({
    at: '2026-11-22T11:05:00.000Z',
    file: 'plugins/price-watch.ts',
    is: 'accepted',
    plugin: 'price-watch',
    version: '77abcdef0123',
    agents: ['price-watch'],
    nextSlot: '2026-11-22T11:10:00.000Z',
    tookMs: 210,
    problem: null,
    ...own,
  });
  const says = (own: Partial<ChangeView>) => changeLines(change(own), look);

  test('of a save', () => {
    expect(says({})).toEqual(['↻ price-watch version 77ab loaded in 210ms · next 12:10']);
    expect(says({ nextSlot: null, tookMs: null })).toEqual([
      '↻ price-watch version 77ab loaded · it runs when asked to',
    ]);
    expect(says({ agents: ['a', 'b'] })[0]).toContain('· 2 agents ·');
    expect(says({ file: 'agents/shop.yaml' })).toEqual(['↻ shop agents/shop.yaml loaded in 210ms · next 12:10']);
    expect(says({ is: 'removed' })).toEqual(['– plugins/price-watch.ts removed']);
  });

  test('of a file that is rejected', () => {
    const problem = {
      code: 'X',
      message: 'wrong',
      file: 'plugins/price-watch.ts',
      line: 3,
      column: 2,
      frame: '> 3 | x',
      next: 'mend it',
    };
    expect(says({ is: 'rejected', problem })).toEqual([
      '✗ wrong',
      '  at plugins/price-watch.ts:3:2',
      '  > 3 | x',
      '  → mend it',
      '  still running version 77ab',
    ]);
    expect(says({ is: 'rejected', problem, version: null }).at(-1)).toBe('  nothing of it runs yet');
  });

  test('when it is up', () => {
    const lines = devBanner(
      status({ edge: { url: 'http://127.0.0.1:7070/', pid: 1 } }),
      { tookMs: 412, keys: ['q quit'], config: 'defaults' },
      look,
    );
    expect(lines.join('\n')).toMatch(/daruma .* ready in 412ms/);
    expect(lines).toContain('  dashboard  http://127.0.0.1:7070/');
    expect(lines).toContain('  q quit');
  });
});
