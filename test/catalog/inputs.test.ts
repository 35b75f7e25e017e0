import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from './world.ts';

/** A plugin that says what it was made of in its `about`, which can be seen without a worker. */
const tells = (imports: string, value: string) =>
  `import { definePlugin } from 'daruma';\n${imports}\nexport default definePlugin({ about: String(${value}), run: () => {} });\n`;

let world: World;
const about = (name: string) => world.catalog.agents().get(name)?.about;
const idOf = (name: string) => world.agent(name).version.id;
const source = (name: string) => world.catalog.rollouts.sourcesOf(name, idOf(name));

describe('an edit of what a plugin is made of', () => {
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/prompt.ts': tells("import text from './parts/prompt.txt';", 'text'),
      'plugins/parts/prompt.txt': 'polite 1',
      'plugins/note.ts': tells("import text from './parts/note.md' with { type: 'text' };", 'text'),
      'plugins/parts/note.md': 'note 1',
      'plugins/bytes.ts': tells(
        "import bytes from './parts/note.md' with { type: 'bytes' };",
        'bytes.length + bytes.at(-1)',
      ),
      'plugins/util.ts': tells("import { v } from './parts/util';", 'v'),
      'plugins/parts/util.js': "export const v = 'js';",
      'plugins/wild.ts': tells(
        "const all = (name) => import('./wild/' + name + '.ts');\nlet n = 'none';\ntry { n = (await all('one')).default; } catch {}",
        'n',
      ),
      'plugins/wild/zero.ts': 'export default 0;',
      'plugins/alias.ts': tells("import { v } from '@cfg';", 'v'),
      'cfg/one.ts': "export const v = 'cfg 1';",
      'cfg/two.ts': "export const v = 'cfg 2';",
      'tsconfig.json': '{ "extends": "./tsconfig.base.json" }',
      'tsconfig.base.json': '{ /* where */ "compilerOptions": { "paths": { "@cfg": ["./cfg/one.ts"] } } }',
    });
  });
  afterAll(() => world.end());

  it('is live as fast as an edit of the plugin, whatever kind of file it is and wherever it lies', async () => {
    expect(['prompt', 'note', 'bytes', 'util', 'wild', 'alias'].map(about)).toEqual([
      'polite 1',
      'note 1',
      '55',
      'js',
      'none',
      'cfg 1',
    ]);
    world.write('plugins/parts/prompt.txt', 'polite 2');
    await world.until('the text is live', () => about('prompt') === 'polite 2');
    // As editors save.
    writeFileSync(join(world.folder, 'plugins/parts/.note.md.tmp'), 'note 12');
    renameSync(join(world.folder, 'plugins/parts/.note.md.tmp'), join(world.folder, 'plugins/parts/note.md'));
    await world.until('the Markdown is live', () => about('note') === 'note 12' && about('bytes') === '57');
    world.write('plugins/parts/util.ts', "export const v = 'ts';");
    await world.until('the file that wins is live', () => about('util') === 'ts');
    world.write('plugins/wild/one.ts', 'export default 1;');
    await world.until('the file that the wildcard means is live', () => about('wild') === '1');
    world.write('cfg/one.ts', "export const v = 'cfg 1b';");
    await world.until('the part outside of plugins/ is live', () => about('alias') === 'cfg 1b');
    world.write('tsconfig.base.json', '{ "compilerOptions": { "paths": { "@cfg": ["./cfg/two.ts"] } } }');
    await world.until('the other path is live', () => about('alias') === 'cfg 2');
    expect([...(await source('note')).keys()].sort()).toEqual(['plugins/note.ts', 'plugins/parts/note.md']);
    expect((await source('prompt')).get('plugins/parts/prompt.txt')).toBe('polite 2');
  });

  it('is found by a start when it was made while no host ran', async () => {
    await world.catalog.stop();
    world.write('plugins/parts/prompt.txt', 'polite 3');
    world.write('plugins/parts/util.tsx', "export const v = 'tsx';");
    world.write('tsconfig.base.json', '{ "compilerOptions": { "paths": { "@cfg": ["./cfg/one.ts"] } } }');
    await world.restart();
    expect([about('prompt'), about('util'), about('alias')]).toEqual(['polite 3', 'tsx', 'cfg 1b']);
  });

  it('that is taken back is the old version again, without being compiled', async () => {
    const before = idOf('note');
    world.write('plugins/parts/note.md', 'note 2');
    await world.until('it is live', () => about('note') === 'note 2');
    world.write('plugins/parts/note.md', 'note 12');
    await world.until('it is back', () => idOf('note') === before);
  });

  it('costs nothing when nothing was edited: a start compiles what an older Daruma kept, and only once', async () => {
    const manifest = join(world.agent('note').version.file, '../manifest.json');
    const { lookups: _, reads: __, ...older } = JSON.parse(readFileSync(manifest, 'utf8'));
    writeFileSync(manifest, JSON.stringify({ ...older, format: 2 }));
    await world.restart();
    expect(JSON.parse(readFileSync(manifest, 'utf8'))).toMatchObject({ format: 3, lookups: expect.any(Array) });
    const written = readFileSync(manifest, 'utf8');
    await world.restart();
    expect(readFileSync(manifest, 'utf8')).toBe(written);
  });
});

describe('a package that is updated', () => {
  const packageAt = (version: number) => ({
    [`node_modules/.pnpm/dep@${version}/node_modules/dep/package.json`]: `{"name":"dep","version":"${version}.0.0","type":"module","exports":"./index.js"}`,
    [`node_modules/.pnpm/dep@${version}/node_modules/dep/index.js`]: `export const v = 'dep ${version}';`,
  });
  const link = (version: number) => {
    rmSync(join(world.folder, 'node_modules/dep'), { force: true });
    symlinkSync(`.pnpm/dep@${version}/node_modules/dep`, join(world.folder, 'node_modules/dep'));
  };

  beforeAll(async () => {
    world = await makeWorld({
      // Says how files below it are read: no package.json above the temporary folder does.
      'package.json': '{}',
      ...packageAt(1),
      ...packageAt(2),
      'node_modules/turn/package.json': '{"name":"turn","main":"./old.js"}',
      'node_modules/turn/old.js': "exports.v='turn old';",
      'node_modules/turn/new.js': "exports.v='turn new';",
    });
    link(1);
    world.write('plugins/linked.ts', tells("import { v } from 'dep';", 'v'));
    world.write('plugins/turned.ts', tells("import { v } from 'turn';", 'v'));
    await world.until('both are live', () => about('linked') === 'dep 1' && about('turned') === 'turn old');
  });
  afterAll(() => world.end());

  it('is live after the next look at everything: its link turned, its main changed, a nearer one installed', async () => {
    link(2);
    world.write('node_modules/turn/package.json', '{"name":"turn","main":"./new.js"}');
    await world.catalog.rescan();
    expect([about('linked'), about('turned')]).toEqual(['dep 2', 'turn new']);
    mkdirSync(join(world.folder, 'plugins/node_modules/turn'), { recursive: true });
    world.write('plugins/node_modules/turn/index.js', "exports.v='nearer';");
    await world.catalog.rescan();
    expect(about('turned')).toBe('nearer');
    rmSync(join(world.folder, 'plugins/node_modules'), { recursive: true });
    await world.catalog.rescan();
    expect(about('turned')).toBe('turn new');
  });

  it('that is removed leaves the good version in force and is told, over a restart too, until it is back', async () => {
    unlinkSync(join(world.folder, 'node_modules/dep'));
    await world.catalog.rescan();
    expect(about('linked')).toBe('dep 2');
    expect(world.problem('plugins/linked.ts')).toMatchObject({
      code: 'PLUGIN_IMPORT_UNRESOLVED',
      next: 'npm install dep',
    });
    await world.restart();
    expect(about('linked')).toBe('dep 2');
    link(1);
    await world.catalog.rescan();
    expect([about('linked'), world.problem('plugins/linked.ts')]).toEqual(['dep 1', undefined]);
  });
});

describe('a file beside a source', () => {
  const READS = `import { readFileSync } from 'node:fs';
import { join } from 'node:path';`;

  beforeAll(async () => {
    world = await makeWorld({
      'plugins/by-url.ts': tells(READS, "readFileSync(new URL('./texts/one.md', import.meta.url), 'utf8')"),
      'plugins/by-name.ts': tells(
        `${READS}\nconst name = 'one';`,
        "readFileSync(join(import.meta.dirname, 'texts', name + '.md'), 'utf8')",
      ),
      'plugins/by-part.ts': tells(`${READS}\nimport { text } from './parts/reader.ts';`, 'text'),
      'plugins/parts/reader.ts': `${READS}\nexport const text = readFileSync(__dirname + '/own.md', 'utf8');`,
      'plugins/parts/own.md': 'own 1',
      'plugins/texts/one.md': 'one 1',
      'node_modules/wasmish/package.json':
        '{"name":"wasmish","version":"1.0.0","type":"module","exports":"./lib/index.js"}',
      'node_modules/wasmish/lib/index.js':
        "import { readFileSync } from 'node:fs';\nexport const size = readFileSync(new URL('../data/x.wasm', import.meta.url)).length;",
      'node_modules/wasmish/data/x.wasm': '\0asm',
      'plugins/wasm.ts': tells("import { size } from 'wasmish';", 'size'),
      'node_modules/i18nish/package.json': '{"name":"i18nish","version":"1.0.0"}',
      'node_modules/i18nish/index.js':
        "const path = './locales/' + 'de' + '.json', by = (p) => p;\nexports.hi = [require(require('path').join(__dirname, 'locales', 'de.json')).hi, require(by(path)).hi, require('fs').existsSync(require.resolve('./locales/de.json'))].join();",
      'node_modules/i18nish/locales/de.json': '{"hi":"hallo"}',
      'plugins/i18n.ts': tells("import { hi } from 'i18nish';", 'hi'),
    });
  });
  afterAll(() => world.end());

  it('is read when the plugin is loaded, by all the ways that there are to name it', () => {
    expect(world.catalog.problems()).toEqual([]);
    expect(['by-url', 'by-name', 'by-part', 'wasm', 'i18n'].map(about)).toEqual([
      'one 1',
      'one 1',
      'own 1',
      '4',
      'hallo,hallo,true',
    ]);
  });

  it('is part of the version: an edit is another one, and the old one keeps its own', async () => {
    const [before, file] = [idOf('by-url'), world.agent('by-url').version.file];
    world.write('plugins/texts/one.md', 'one 2');
    await world.until('it is live', () => about('by-url') === 'one 2' && about('by-name') === 'one 2');
    expect(idOf('by-url')).not.toBe(before);
    expect((await world.catalog.rollouts.sourcesOf('by-url', before)).get('plugins/texts/one.md')).toBe('one 1');
    const loaded = (await import(pathToFileURL(file).href)) as { default: { about: string } };
    expect(loaded.default.about).toBe('one 1');
    world.write('plugins/parts/own.md', 'own 2');
    await world.until('the part’s own is live', () => about('by-part') === 'own 2');
  });

  it('of a package is looked at as the package is', async () => {
    world.write('node_modules/wasmish/data/x.wasm', '\0asm and more');
    await world.catalog.rescan();
    expect(about('wasm')).toBe('13');
  });

  it('is read where the data of the installation lie on another disk, behind a link', async () => {
    await world.catalog.stop();
    renameSync(join(world.folder, 'data'), join(world.folder, 'disk'));
    symlinkSync('disk', join(world.folder, 'data'));
    rmSync(join(world.folder, 'disk/versions'), { recursive: true });
    await world.restart();
    expect(world.catalog.problems()).toEqual([]);
    expect(['by-part', 'i18n'].map(about)).toEqual(['own 2', 'hallo,hallo,true']);
    await world.catalog.stop();
    rmSync(join(world.folder, 'data'));
    renameSync(join(world.folder, 'disk'), join(world.folder, 'data'));
    await world.restart();
  });

  it('gives a right to read that ends at what the version holds and the package’s folder', () => {
    const inside = (name: string) =>
      (world.agent(name).version.reads ?? []).map((path) => path.slice(world.folder.length + 1));
    expect(inside('by-url')).toEqual([`data/versions/by-url/${idOf('by-url')}/source`]);
    expect(inside('i18n')).toEqual(['node_modules/i18nish']);
  });
});

describe('what may not be part of a plugin', () => {
  const OUTSIDE = join(process.cwd(), 'package.json');
  beforeAll(async () => {
    world = await makeWorld({
      'config/keys.json': '{"key":"secret"}',
      '.env': 'KEY=secret',
      'secrets.txt': 'secret',
      'plugins/parts/.env': 'KEY=secret',
      'plugins/json.ts': tells("import keys from '../config/keys.json';", 'keys.key'),
      'plugins/dot.ts': tells("import env from '../.env' with { type: 'text' };", 'env'),
      'plugins/txt.ts': tells("import text from '../secrets.txt';", 'text'),
      'plugins/abs.ts': tells(`import own from '${OUTSIDE}';`, 'own.name'),
      'plugins/proc.ts': tells("import env from '/proc/self/environ' with { type: 'text' };", 'env'),
      'plugins/passwd.ts': tells("import users from '/etc/passwd' with { type: 'bytes' };", 'users.length'),
      'plugins/beside.ts': tells(
        "import { existsSync } from 'node:fs';",
        "existsSync(new URL('../config/keys.json', import.meta.url))",
      ),
      'plugins/version.ts': tells("import own from '../package.json';", 'own.version'),
      'package.json': '{"version":"7"}',
    });
  });
  afterAll(() => world.end());

  it('is refused by name, whatever it is imported as; what lies beside is not taken along', async () => {
    for (const name of ['json', 'dot', 'txt', 'abs', 'proc', 'passwd'])
      expect(world.problem(`plugins/${name}.ts`), name).toMatchObject({ code: 'PLUGIN_IMPORT_OUTSIDE' });
    expect(about('beside')).toBe('false');
    expect([...(await source('beside')).keys()]).toEqual(['plugins/beside.ts']);
    expect(about('version')).toBe('7');
  });

  it('unless somebody put a link to it into plugins/', async () => {
    symlinkSync(join(world.folder, 'secrets.txt'), join(world.folder, 'plugins/parts/granted.txt'));
    world.write('plugins/txt.ts', tells("import text from './parts/granted.txt';", 'text'));
    await world.until('it is live', () => about('txt') === 'secret');
  });
});

describe('a file of a kind that nobody knows', () => {
  it('is refused with what to write instead', async () => {
    world = await makeWorld({
      'plugins/parts/answer.wasm': '\0asm',
      'plugins/parts/note.md': '# note',
      'plugins/own-wasm.ts': tells("import wasm from './parts/answer.wasm';", 'wasm'),
      'plugins/own-md.ts': tells("import md from './parts/note.md';", 'md'),
      'plugins/own-bytes.ts': tells("import wasm from './parts/answer.wasm' with { type: 'bytes' };", 'wasm.length'),
    });
    expect(world.problem('plugins/own-wasm.ts')).toMatchObject({
      code: 'PLUGIN_IMPORT_KIND',
      line: 2,
      next: expect.stringContaining("with { type: 'bytes' }"),
    });
    expect(world.problem('plugins/own-md.ts')!.next).toContain("with { type: 'text' }");
    expect(about('own-bytes')).toBe('4');
    await world.end();
  });
});
