import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LENT_ZOD } from '../../src/kernel/plugin-modules.ts';
import { makeWorld, plugin, type World } from './world.ts';

const settings = 'settings: own.object({ at: own.string().default(own.ZodError ? "x" : "y") }),';
/** Each way to import zod that Daruma lends. */
const LENT: Record<string, string> = {
  named: "import { z as own } from 'zod';",
  namespace: "import * as own from 'zod';",
  default: "import own from 'zod';",
  lazy: "const { z: own } = await import('zod');",
};
/** What asks for zod in a way that a worker cannot lend. */
const BUNDLED: Record<string, string> = {
  part: "import { z as own } from 'zod/v4';",
  required: "import { make as own } from 'old-library';",
};

let world: World;
beforeAll(async () => {
  const plugins = Object.entries({ ...LENT, ...BUNDLED }).map(([name, text]) => [
    `plugins/${name}.ts`,
    plugin(name, settings, text),
  ]);
  world = await makeWorld({
    ...Object.fromEntries(plugins),
    'node_modules/old-library/package.json': '{ "name": "old-library", "main": "index.js" }',
    'node_modules/old-library/index.js': "exports.make = require('zod').z;\n",
  });
});
afterAll(() => world.end());

const bundleOf = (name: string) => readFileSync(world.agent(name).version.file, 'utf8');

it('lends zod to a plugin however it is imported, and the version is small', () => {
  expect(world.catalog.problems()).toEqual([]);
  for (const name of Object.keys(LENT)) {
    expect(bundleOf(name)).toContain(LENT_ZOD);
    expect(bundleOf(name).length).toBeLessThan(5_000);
  }
});

it('bundles zod where only a part of it or `require` asks for it', () => {
  for (const name of Object.keys(BUNDLED)) {
    expect(bundleOf(name)).not.toContain(`from "${LENT_ZOD}"`);
    expect(bundleOf(name).length).toBeGreaterThan(100_000);
  }
});

it('bundles the zod of the author as soon as one is installed, and lends again when it is gone', async () => {
  const before = world.agent('named').version.id;
  const daruma = world.agent('part').version.id;
  // Enough of a schema for the one who looks at the plugin.
  const own = `const schema = { _zod: {}, toJSONSchema: () => ({ title: 'OWN' }), safeParseAsync: async () => ({ success: true }) };
export const z = { object: () => schema, string: () => ({ default() {} }) };
export default z;`;
  world.write(
    'node_modules/zod/package.json',
    '{ "name": "zod", "version": "3.0.0", "type": "module", "main": "index.js" }',
  );
  world.write('node_modules/zod/index.js', own);
  await world.catalog.rescan();
  await world.until('it is compiled with its own', () => world.agent('named').version.id !== before);
  expect(bundleOf('named')).toContain('OWN');
  world.remove('node_modules/zod/index.js');
  world.remove('node_modules/zod/package.json');
  await world.catalog.rescan();
  await world.until('it is as it was', () => world.agent('named').version.id === before);
  expect(world.agent('part').version.id).toBe(daruma);
});
