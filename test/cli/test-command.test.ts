import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryInstallation } from './fake-host.ts';
import { cli } from './process.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let remove: () => void;
beforeEach(() => ({ folder, remove } = temporaryInstallation()));
afterEach(() => remove());

/** As after npm install. */
function install(...packages: string[]) {
  mkdirSync(join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  symlinkSync(ROOT, join(folder, 'node_modules/daruma'));
  for (const name of packages) symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
}

// Vitest tells its workers by these what they are; the one that is started here is none of them.
const env = { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', NODE_ENV: '', TEST: '' };

test('a new plugin has a test that passes; one that fails is told, with exit code 1', async () => {
  install('vitest', 'vite');
  expect((await cli(['new', 'price-watch'], { cwd: folder })).code).toBe(0);
  const passed = await cli(['test', 'price-watch'], { cwd: folder, env });
  expect(passed).toMatchObject({ code: 0, out: expect.stringContaining('1 passed') });

  const file = join(folder, 'plugins/price-watch.ts');
  writeFileSync(file, readFileSync(file, 'utf8').replace('log.info(settings.greeting', "log.info('nothing'"));
  const { code, out } = await cli(['test', '--json'], { cwd: folder, env });
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    ok: false,
    passed: 0,
    failed: 1,
    tests: [
      {
        file: 'plugins/price-watch.test.ts',
        name: 'says what it is told to',
        ok: false,
        error: expect.stringContaining('good morning'),
      },
    ],
  });
});

test('a test file leaves no folder and no process behind', async () => {
  install('vitest', 'vite');
  const temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  await cli(['new', 'price-watch'], { cwd: folder });
  expect((await cli(['test'], { cwd: folder, env: { ...env, TMPDIR: temporary } })).code).toBe(0);
  const left = () => readdirSync(temporary).filter((name) => name.startsWith('daruma-'));
  await expect.poll(left, { timeout: 10_000 }).toEqual([]);
});

test('says what to install where vitest is missing', async () => {
  install();
  writeFileSync(join(folder, 'plugins/price-watch.test.ts'), '');
  const { code, err } = await cli(['test'], { cwd: folder });
  expect(code).toBe(1);
  expect(err).toContain('npm i -D vitest vite');
});

test('says what is there instead of a test that is not', async () => {
  expect(await cli(['test'], { cwd: folder })).toMatchObject({ code: 1, err: expect.stringContaining('no test in') });
  writeFileSync(join(folder, 'plugins/price-watch.test.ts'), '');
  const { err } = await cli(['test', 'price-wach'], { cwd: folder });
  expect(err).toContain('did you mean price-watch?');
});
