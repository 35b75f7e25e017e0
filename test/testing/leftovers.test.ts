import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { processesNaming } from '../processes.ts';

const KIT = new URL('../../dist/testing/index.js', import.meta.url).href;
const run = promisify(execFile);
let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-left-')));
  mkdirSync(join(folder, 'plugins'));
  mkdirSync(join(folder, 'tmp'));
  const plugin = `import { definePlugin } from 'daruma';
    export default definePlugin({ about: 'A test.', run: ({ job }) => job.input === 'wait' ? new Promise(() => {}) : 'ok' });`;
  writeFileSync(join(folder, 'plugins/hello.ts'), plugin);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a script that uses the test kit, in an installation with one plugin. */
async function script(body: string) {
  writeFileSync(join(folder, 'script.mjs'), `import { close, runPlugin } from '${KIT}';\n${body}`);
  const env = { ...process.env, TMPDIR: join(folder, 'tmp') };
  return (await run(process.execPath, ['script.mjs'], { cwd: folder, env })).stdout;
}

/** A process that was killed is gone when the system has cleared up after it. */
async function nothingIsLeft() {
  await expect.poll(() => processesNaming(folder), { timeout: 10_000 }).toEqual([]);
  await expect.poll(() => readdirSync(join(folder, 'tmp')), { timeout: 10_000 }).toEqual([]);
}

it('a script that only runs a plugin comes to its end, and leaves nothing', async () => {
  expect(await script("console.log((await runPlugin('hello')).result);")).toBe('ok\n');
  await nothingIsLeft();
});

it('a process that exits in the middle of a run leaves nothing', async () => {
  await script("void runPlugin('hello', { input: 'wait' }); setTimeout(() => process.exit(), 700);");
  await nothingIsLeft();
});

it('what was closed is opened again by the next run', async () => {
  const body = `await close();
    for (let n = 0; n < 2; n++) {
      console.log((await runPlugin('hello')).result);
      await close();
    }`;
  expect(await script(body)).toBe('ok\nok\n');
  await nothingIsLeft();
});
