import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, makeWorld, plugin, type World } from './world.ts';

/** What an author may write, all dropped at once. */
const WORKS: Record<string, string> = {
  'plugins/with-enum.ts': plugin(
    'enum',
    '',
    'enum Colour { Red = 1, Blue }\nconst colour: Colour = Colour.Blue;\nvoid colour;',
  ),
  'plugins/with-namespace.ts': plugin('namespace', '', 'namespace Space { export const one = 1; }\nvoid Space.one;'),
  'plugins/with-properties.ts': plugin(
    'properties',
    '',
    'class Point { constructor(public x: number) {} }\nvoid new Point(1);',
  ),
  'plugins/with-decorator.ts': plugin(
    'decorator',
    '',
    `function twice(value: (...args: never[]) => number, _context: ClassMethodDecoratorContext) {
  return function (this: unknown, ...args: never[]) { return 2 * value.apply(this, args); };
}
class Maths { @twice one() { return 1; } }
if (new Maths().one() !== 2) throw new Error('the decorator did nothing');`,
  ),
  'plugins/with-npm.ts': plugin(
    'npm',
    '',
    "import { answer } from 'some-package';\nif (answer !== 42) throw new Error('no');",
  ),
  'plugins/with-cjs.ts': plugin(
    'cjs',
    '',
    "import old from 'old-package';\nif (!old.sep || !old.here) throw new Error('no');",
  ),
  'plugins/with-zod.ts': plugin(
    'zod',
    "settings: own.object({ at: own.string().default('x') }),",
    "import { z as own } from 'zod';",
  ),
  'plugins/with-helper.ts': plugin(
    'helper',
    '',
    "import { twice } from './lib/maths.ts';\nimport data from './_data.json';\nvoid twice(data.n);",
  ),
  'plugins/lib/maths.ts': 'export const twice = (n: number) => 2 * n;\n',
  'plugins/_data.json': '{ "n": 1 }',
  'plugins/with-jsx.tsx': `/** @jsxImportSource tiny-jsx */\n${plugin('jsx', '', "const shown = <b>hi</b>;\nif (shown !== '<b>hi</b>') throw new Error(String(shown));")}`,
  'plugins/plain.mjs':
    "import { definePlugin } from 'daruma';\nexport default definePlugin({ about: 'plain', run() {} });\n",
  'plugins/with-top-await.ts': plugin('await', '', 'await Promise.resolve();'),
  'plugins/own-require.ts': plugin(
    'require',
    '',
    "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\nvoid require;",
  ),
  'node_modules/some-package/package.json': '{ "name": "some-package", "type": "module", "exports": "./index.js" }',
  'node_modules/some-package/index.js': 'export const answer = 42;\n',
  'node_modules/old-package/package.json': '{ "name": "old-package", "main": "index.js" }',
  'node_modules/old-package/index.js':
    "exports.sep = require('path').sep;\nexports.here = typeof __dirname === 'string';\n",
  'node_modules/tiny-jsx/package.json':
    '{ "name": "tiny-jsx", "type": "module", "exports": { "./jsx-runtime": "./jsx.js" } }',
  'node_modules/tiny-jsx/jsx.js':
    "export const jsx = (tag, { children }) => '<' + tag + '>' + children + '</' + tag + '>';\n",
};

describe('what an author may write', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(WORKS);
  });
  afterAll(() => world.end());

  it('compiles and loads each of it', () => {
    expect(world.catalog.problems()).toEqual([]);
    const names = Object.keys(WORKS).flatMap((path) => /^plugins\/([a-z-]+)\./.exec(path)?.[1] ?? []);
    expect([...world.catalog.agents().keys()].sort()).toEqual(names.sort());
  });

  it('takes legacy decorators where tsconfig.json asks for them, and sees it when that changes', async () => {
    const legacy =
      "function mark(target: object, key: string) { if (typeof key !== 'string') throw new Error('not legacy'); void target; }\nclass Marked { @mark one() {} }\nvoid Marked;";
    world.write('plugins/legacy.ts', plugin('legacy', '', legacy));
    await world.until('it is refused', () => world.problem('plugins/legacy.ts'));
    expect(world.problem('plugins/legacy.ts')).toMatchObject({ code: 'PLUGIN_LOAD', line: 2 });
    world.write('tsconfig.json', '{ "compilerOptions": { "experimentalDecorators": true } }');
    await world.catalog.rescan();
    await world.until('it is live', () => world.catalog.agents().has('legacy'));
    world.remove('tsconfig.json');
    world.remove('plugins/legacy.ts');
    await world.until('it is gone', () => !world.catalog.agents().has('legacy'));
    await world.catalog.rescan();
  });

  it('gives the running Daruma in a folder without packages, and its map names the author’s lines', () => {
    const { version } = world.agent('with-zod');
    // As in a worker: in a process whose resolver knows what is lent.
    const script = `import { registerHooks } from 'node:module';
      import { resolvedLent } from ${JSON.stringify(new URL('../../src/kernel/plugin-modules.ts', import.meta.url).href)};
      registerHooks({ resolve: (specifier, context, next) => resolvedLent(specifier) ?? next(specifier, context) });
      console.log((await import(${JSON.stringify(pathToFileURL(version.file).href)})).default.about);`;
    expect(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })).toBe('zod\n');
    const map = JSON.parse(readFileSync(version.mapFile, 'utf8')) as {
      sources: string[];
      sourcesContent: (string | null)[];
    };
    const own = map.sources.findIndex((source) => source.endsWith('plugins/with-zod.ts'));
    expect(join(version.mapFile, '..', map.sources[own]!)).toBe(join(world.folder, 'plugins/with-zod.ts'));
    expect(map.sourcesContent[own]).toBe(WORKS['plugins/with-zod.ts']);
  });

  it('bundles nothing of Daruma but what the plugin uses', () => {
    expect(readFileSync(world.agent('with-zod').version.file).byteLength).toBeLessThan(10_000);
    expect(readFileSync(world.agent('plain').version.file).byteLength).toBeLessThan(10_000);
  });

  it('keeps the manifest, with the settings as JSON Schema draft 7, beside the bundle', () => {
    const { file } = world.agent('with-zod').version;
    const manifest = JSON.parse(readFileSync(join(file, '../manifest.json'), 'utf8'));
    expect(manifest.manifest.settingsSchema).toMatchObject({
      $schema: 'http://json-schema.org/draft-07/schema#',
      properties: { at: { type: 'string', default: 'x' } },
    });
    expect(manifest.inputs.map(({ path }: { path: string }) => path)).toContain('plugins/with-zod.ts');
  });

  it('is not compiled again by a restart', async () => {
    const before = world.agent('with-jsx');
    await world.restart();
    expect(childrenOf(process.pid)).toEqual([]);
    expect(world.agent('with-jsx')).toEqual(before);
    expect(world.changes.at(-1)!.added).toHaveLength(world.catalog.agents().size);
  });

  it('is not compiled again where other people’s files come and go in the folder above', async () => {
    const above = join(world.folder, '..');
    const churn = setInterval(() => rmSync(mkdtempSync(join(above, 'daruma-beside-')), { recursive: true }), 3);
    try {
      world.write('plugins/beside.ts', plugin('beside'));
      await world.until('it is live', () => world.catalog.agents().has('beside'));
      await world.catalog.rescan();
      await world.restart();
      expect(childrenOf(process.pid)).toEqual([]);
    } finally {
      clearInterval(churn);
    }
  });

  it('is made anew when a library that it bundles is updated while the host is down', async () => {
    const before = world.agent('with-npm').version.id;
    await world.catalog.stop();
    world.write('node_modules/some-package/index.js', 'export const answer = 40 + 2;\n');
    await world.restart();
    expect(world.agent('with-npm').version.id).not.toBe(before);
  });
});

interface Refused {
  file?: string;
  text: string;
  fault: Record<string, unknown>;
}

const head = "import { definePlugin, z } from 'daruma';\n";
const define = (inside: string) =>
  `${head}export default definePlugin({\n  about: 'x',\n  ${inside}\n  run() {},\n});\nvoid z;\n`;

/** What is refused, with the place and the advice. */
const REFUSED: Record<string, Refused> = {
  syntax: { text: `${head}\nconst x = = 1;\n`, fault: { code: 'PLUGIN_SYNTAX', line: 3, column: 11 } },
  'half-written': { text: define('').slice(0, 70), fault: { code: 'PLUGIN_SYNTAX' } },
  throws: {
    text: `${head}function prepare(): never {\n  throw new TypeError('no luck');\n}\nprepare();\nexport default definePlugin({ about: 'x', run() {} });\n`,
    fault: { code: 'PLUGIN_LOAD', line: 3, column: 9, message: 'throws at load: TypeError: no luck' },
  },
  'starts-processes': {
    text: `import { execFileSync } from 'node:child_process';\n${define('').replace('run() {}', "run: () => execFileSync('ls')")}`,
    fault: {
      code: 'NOT_IN_NEEDS',
      line: 1,
      column: 30,
      message: 'imports node:child_process at load: a worker may not start processes itself',
      next: expect.stringContaining("use context.exec and needs: { exec: ['ls'] }"),
    },
  },
  'starts-threads': {
    text: `const { Worker } = process.getBuiltinModule('worker_threads');\n${define('')}void Worker;\n`,
    fault: { code: 'NOT_IN_NEEDS', line: 1, message: expect.stringContaining('imports node:worker_threads at load') },
  },
  'opens-databases': {
    text: `import { DatabaseSync } from 'node:sqlite';\n${define('').replace('run() {}', "run: () => new DatabaseSync(':memory:')")}`,
    fault: { code: 'NOT_IN_NEEDS', line: 1, next: "add modules: ['node:sqlite'] to needs" },
  },
  'throws-reasons': {
    text: `${head}throw new AggregateError([new Error('one'), 'two'], 'both', { cause: new Error('below') });\n`,
    fault: { code: 'PLUGIN_LOAD', line: 2, message: 'throws at load: AggregateError: both: one; "two": below' },
  },
  'no-export': { text: `${head}definePlugin({ about: 'x', run() {} });\n`, fault: { code: 'PLUGIN_EXPORT' } },
  'wrong-export': {
    text: 'export default { about: "x", run() {} };\n',
    fault: { code: 'PLUGIN_EXPORT', message: 'its default export is an object, not what definePlugin returns' },
  },
  'bad-schedule': {
    text: define("schedule: '61 * * * *',"),
    fault: {
      code: 'SCHEDULE_INVALID',
      line: 4,
      column: 3,
      next: expect.stringMatching(/\d\d:\d0, \d\d:\d0, \d\d:\d0 \(Europe\/Berlin\)/),
    },
  },
  'never-fires': {
    text: define("schedule: '0 0 31 2 *',"),
    fault: { code: 'SCHEDULE_INVALID', message: expect.stringContaining('never comes due') },
  },
  'unknown-key': {
    text: define("scheduel: '* * * * *',"),
    fault: { code: 'PLUGIN_INVALID', line: 4, column: 3, message: 'scheduel is unknown, did you mean schedule?' },
  },
  'deep-key': {
    text: define("limits: {\n    // a remark with memry: in it\n    memry: '64MB' },"),
    fault: { line: 6, column: 5, message: 'limits.memry is unknown, did you mean memory?' },
  },
  'bad-unit': {
    text: define("limits: { memory: '64 mib' },"),
    fault: { line: 4, column: 13, message: 'limits.memory "64 mib": expected a size such as 64MB, 512KB or 1.5GB' },
  },
  'bare-number': {
    text: define('limits: { timeout: 10 as never },'),
    fault: { line: 4, column: 13, code: 'PLUGIN_INVALID' },
  },
  'no-jobs': {
    text: define('concurrency: 0,'),
    fault: { line: 4, column: 3, message: 'concurrency: expected a whole number from 1 to 100' },
  },
  'part-of-a-job': { text: define('concurrency: 1.5,'), fault: { line: 4, column: 3, code: 'PLUGIN_INVALID' } },
  'too-many-jobs': { text: define('concurrency: 10_000,'), fault: { line: 4, column: 3, code: 'PLUGIN_INVALID' } },
  'bad-zone': { text: define("timezone: 'Europe/Berln',"), fault: { line: 4, column: 3, code: 'PLUGIN_INVALID' } },
  'no-about': {
    text: `${head}export default definePlugin({ run() {} } as never);\n`,
    fault: { code: 'PLUGIN_INVALID', message: 'about is missing: expected one sentence that says what it is for' },
  },
  'bad-settings': {
    text: define('settings: { path: String } as never,'),
    fault: { code: 'PLUGIN_INVALID', message: 'settings is an object: expected a zod object' },
  },
  'no-package': {
    text: `import x from '@some/where/deep';\nvoid x;\n${define('')}`,
    fault: { code: 'PLUGIN_IMPORT_UNRESOLVED', line: 1, column: 15, next: 'npm install @some/where' },
  },
  'no-helper': {
    text: `import { x } from './lib/missing.ts';\nvoid x;\n${define('')}`,
    fault: { code: 'PLUGIN_IMPORT_UNRESOLVED', message: 'there is no file ./lib/missing.ts', line: 1 },
  },
  'test-kit': {
    text: `import { runPlugin } from 'daruma/testing';\nvoid runPlugin;\n${define('')}`,
    fault: { code: 'PLUGIN_IMPORT_REFUSED', next: 'move the test to a file named *.test.ts' },
  },
  'no-jsx': {
    file: 'plugins/no-jsx.tsx',
    text: `void <b />;\n${define('')}`,
    fault: { code: 'PLUGIN_IMPORT_UNRESOLVED', message: expect.stringContaining('JSX needs a library') },
  },
  'native-addon': {
    text: `import addon from './_addon.node';\nvoid addon;\n${define('')}`,
    fault: { code: 'PLUGIN_NATIVE_ADDON', line: 1 },
  },
  'acts-at-load': {
    text: `import { readFileSync } from 'node:fs';\nreadFileSync('/etc/hostname');\n${define('')}`,
    fault: { code: 'PLUGIN_LOAD', line: 2, next: 'move it into `run`' },
  },
  'exits-at-load': {
    text: `process.exit(3);\n${define('')}`,
    fault: { code: 'PLUGIN_LOAD', message: expect.stringContaining('exit code 3') },
  },
  'signals-at-load': { text: `process.kill(process.ppid);\n${define('')}`, fault: { code: 'PLUGIN_LOAD', line: 1 } },
  'waits-for-ever': {
    text: `await new Promise(() => {});\n${define('')}`,
    fault: { code: 'PLUGIN_LOAD', message: expect.stringContaining('never settled') },
  },
  'needs-settings': {
    text: define("schedule: '@daily', settings: z.strictObject({ url: z.url() }),"),
    fault: { code: 'SETTINGS_INVALID', next: expect.stringContaining('agents/needs-settings.yaml') },
  },
  'too-big': {
    text: `// ${'x'.repeat(10 * 1024 ** 2)}`,
    fault: { code: 'PLUGIN_TOO_BIG', message: expect.stringContaining('10 MB') },
  },
  empty: { text: '', fault: { code: 'FILE_EMPTY' } },
};

describe('what an author may not write', () => {
  let world: World;
  beforeAll(async () => {
    const files = Object.entries(REFUSED).map(([name, { file, text }]) => [file ?? `plugins/${name}.ts`, text]);
    world = await makeWorld({
      ...Object.fromEntries(files),
      'plugins/_addon.node': 'x',
      'plugins/good.ts': plugin('good'),
    });
  });
  afterAll(() => world.end());

  for (const [name, { file, fault }] of Object.entries(REFUSED)) {
    it(`refuses ${name} with its place and what to do`, () => {
      const path = file ?? `plugins/${name}.ts`;
      const problem = world.problem(path);
      expect(problem).toMatchObject({ file: path, ...fault });
      if (fault.line !== undefined) expect(problem!.frame).toMatch(new RegExp(`^> +${fault.line} \\|`, 'm'));
      expect(world.listing(name)).toMatchObject({ is: 'rejected', why: problem!.message });
    });
  }

  it('leaves the others alone', () => {
    expect([...world.catalog.agents().keys()]).toEqual(['good']);
  });

  it('tries again what an install may have mended', async () => {
    mkdirSync(join(world.folder, 'node_modules/@some/where'), { recursive: true });
    world.write(
      'node_modules/@some/where/package.json',
      '{ "name": "@some/where", "exports": { "./deep": "./deep.js" } }',
    );
    world.write('node_modules/@some/where/deep.js', 'module.exports = 1;\n');
    world.write('plugins/lib/missing.ts', 'export const x = 1;\n');
    await world.until('the helper is found', () => world.catalog.agents().has('no-helper'));
    await world.catalog.rescan();
    expect(world.agent('no-package').about).toBe('x');
  });

  it('tells each problem once', async () => {
    const told = world.lines.filter(({ message }) => message.includes('plugins/throws.ts'));
    expect(told).toHaveLength(1);
    world.write('plugins/throws.ts', plugin('mended'));
    await world.until('it is mended', () => world.catalog.agents().has('throws'));
    expect(world.lines.filter(({ message }) => message === 'plugins/throws.ts: the problem is gone')).toHaveLength(1);
  });
});
