import { mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createStackMap } from '../../src/workers/inside/stack-map.ts';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-map-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes the map of a plugin as a version does when the same code is compiled again: beside it, then in its place. */
function compile(file: string, before: string): string {
  const { code, map } = transformSync(`${before}throw new Error('here');\n`, {
    sourcemap: 'external',
    sourcefile: 'plugins/maps.ts',
    legalComments: 'none',
  });
  writeFileSync(`${file}.new`, map);
  renameSync(`${file}.new`, file);
  return code;
}

it('names the line of the newest source after comments were moved, though the code is the same', () => {
  const bundle = { file: join(folder, 'plugin.mjs'), mapFile: join(folder, 'plugin.mjs.map') };
  const stacks = createStackMap(folder);
  const fault = { code: 'ERROR', message: 'here', stack: `Error: here\n    at ${pathToFileURL(bundle.file).href}:1:7` };
  const code = compile(bundle.mapFile, '');
  expect(stacks.map(fault, bundle)).toMatchObject({ line: 1, frame: expect.stringContaining('> 1 | throw new Error') });
  expect(compile(bundle.mapFile, '// note\n'.repeat(8))).toBe(code);
  expect(stacks.map(fault, bundle)).toMatchObject({ file: 'plugins/maps.ts', line: 9 });
  expect(stacks.map(fault, bundle).stack).toContain('plugins/maps.ts:9:7');
  rmSync(bundle.mapFile);
  expect(stacks.map(fault, bundle).stack).toContain('plugin.mjs:1:7');
});
