import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Start, typedAs } from '../../src/cli/typed.ts';
import { asTyped, jsonAsTyped, PLAIN, type Typed, typedFrom } from '../../src/control/typed.ts';
import { temporaryInstallation } from './fake-host.ts';
import { cli } from './process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const npx: Typed = { command: 'npx daruma' };

describe('a hint', () => {
  it('is written as it is typed, wherever it stands', () => {
    expect(asTyped('  → daruma status drill-leak', npx)).toBe('  → npx daruma status drill-leak');
    expect(asTyped('ok in 3ms        daruma jobs job-1   daruma logs a -f', npx)).toBe(
      'ok in 3ms        npx daruma jobs job-1   npx daruma logs a -f',
    );
    expect(asTyped('\u001b[36mdaruma incidents\u001b[0m', npx)).toBe('\u001b[36mnpx daruma incidents\u001b[0m');
    expect(asTyped('sudo daruma service install; `daruma stop`', npx)).toBe(
      'sudo npx daruma service install; `npx daruma stop`',
    );
  });

  it('carries --dir along, right after the command', () => {
    const there: Typed = { command: 'npx daruma', dir: 'my ops' };
    expect(asTyped('daruma status a', there)).toBe("npx daruma status --dir 'my ops' a");
    expect(asTyped('daruma config force, then daruma start', there)).toBe(
      "npx daruma config force --dir 'my ops', then npx daruma start --dir 'my ops'",
    );
    expect(asTyped('daruma init other', there)).toBe('npx daruma init other');
    expect(asTyped('daruma start --dir /moved', there)).toBe('npx daruma start --dir /moved');
    expect(asTyped('daruma status', { command: 'daruma', dir: 'x' })).toBe('daruma status --dir x');
  });

  it('is none where the word only stands in a sentence, or in code that is quoted', () => {
    for (const text of [
      'this version of daruma reads schema 4',
      'npx daruma status',
      '> 12 | // daruma status is what to type',
      'node_modules/daruma status',
      'daruma constructor',
    ])
      expect(asTyped(text, npx)).toBe(text);
  });

  it('in JSON is changed in failures only', () => {
    const failure = { code: 'X', message: 'daruma stop', next: 'daruma start' };
    const result = { next: 'daruma start', problem: failure };
    expect(JSON.parse(jsonAsTyped(result, npx))).toEqual({
      next: 'daruma start',
      problem: { ...failure, next: 'npx daruma start' },
    });
  });

  it('never loses what is not a command', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(asTyped(text, PLAIN)).toBe(text);
        expect(asTyped(text, npx).replaceAll('npx daruma ', 'daruma ')).toBe(text.replaceAll('npx daruma ', 'daruma '));
      }),
    );
  });
});

describe('how it is typed', () => {
  it('is npx daruma after npm start in a checkout, where no link is installed, and daruma when its file is run by hand', () => {
    const main = '/src/daruma/dist/main.js';
    const env = { npm_command: 'start', npm_lifecycle_event: 'start', INIT_CWD: '/src/daruma' };
    const started = { main, env, cwd: '/src/daruma', exists: () => false };
    expect(typedAs(started)).toEqual(npx);
    expect(typedAs({ ...started, env: { ...env, INIT_CWD: '/home' } })).toEqual(PLAIN);
    expect(typedAs({ ...started, env: {} })).toEqual(PLAIN);
    expect(typedAs({ ...started, env: { ...env, npm_lifecycle_event: 'test' } })).toEqual(PLAIN);
  });

  const start = (over: Partial<Start>): Start => ({
    main: '/app/node_modules/.bin/daruma',
    env: { PATH: '/usr/bin' },
    cwd: '/app/plugins',
    exists: (path) => path === '/app/node_modules/.bin/daruma',
    ...over,
  });
  const byNpm = { PATH: '/app/node_modules/.bin:/usr/bin', npm_command: 'exec' };

  it.each<[string, Partial<Start>, Typed]>([
    ['by npx, or npm start', { env: byNpm }, npx],
    ['from the cache of npx', { env: byNpm, main: '/h/.npm/_npx/1/node_modules/.bin/daruma', cwd: '/x' }, npx],
    ['by its path', {}, npx],
    ['found in PATH', { env: { PATH: '/app/node_modules/.bin' } }, PLAIN],
    ['global, or an alias', { main: '/usr/local/bin/daruma', dir: 'x' }, { command: 'daruma', dir: 'x' }],
    ['by its path, from elsewhere', { cwd: '/' }, { command: 'app/node_modules/.bin/daruma' }],
    [
      'npm --prefix app start, from elsewhere',
      { env: { ...byNpm, npm_command: 'run-script', INIT_CWD: '/' }, cwd: '/app' },
      { command: 'app/node_modules/.bin/daruma', dir: 'app' },
    ],
  ])('%s', (_, given, typed) => {
    expect(typedAs(start(given))).toEqual(typed);
  });

  it('is told to the host by its guardian; nonsense is not believed', () => {
    expect(typedFrom({ DARUMA_TYPED: '{"command":"npx daruma","dir":"x"}' })).toEqual({ ...npx, dir: 'x' });
    for (const text of [undefined, '', '{', '7', 'null', '{"command":1}'])
      expect(typedFrom({ DARUMA_TYPED: text })).toEqual(PLAIN);
  });
});

describe('on the command line', () => {
  let folder: string;
  let remove: () => void;
  beforeEach(() => ({ folder, remove } = temporaryInstallation()));
  afterEach(() => remove());

  it('every failure says what to type here', async () => {
    const bin = join(folder, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(join(ROOT, 'dist/main.js'), join(bin, 'daruma'));
    const main = join(bin, 'daruma');
    expect((await cli(['stop'], { cwd: folder, main })).err).toContain('→ npx daruma start');
    expect((await cli(['stop', '--dir', '.'], { cwd: folder, main })).err).toContain('→ npx daruma start --dir .');
    expect((await cli(['stop', '--dir', '.'], { cwd: folder })).err).toContain('→ daruma start --dir .');
    expect((await cli(['lgos'], { cwd: folder, main })).err).toContain('→ npx daruma --help');
    const { error } = JSON.parse((await cli(['stop', '--json'], { cwd: folder, main })).out);
    expect(error.next).toBe('npx daruma start');
  });
});
