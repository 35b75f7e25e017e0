import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOfAgentFile, kindOfPluginPath, NAME } from '../../src/catalog/files/names.ts';
import { makeWorld, plugin, type World } from './world.ts';

describe('a name in the folders', () => {
  it.each([
    ['slack/index.ts', { is: 'plugin', name: 'slack' }],
    ['slack/index.mjs', { is: 'plugin', name: 'slack' }],
    ['slack/send.ts', { is: 'part' }],
    ['slack/deep/index.ts', { is: 'part' }],
    ['lib/index.ts', { is: 'part', quiet: true }],
    ['_drafts/index.ts', { is: 'part', quiet: true }],
    ['lib.ts', { is: 'part' }],
    ['Slack/index.ts', { is: 'misnamed', name: 'Slack', rename: 'slack/index.ts' }],
    ['slack.v2/index.js', { is: 'misnamed', name: 'slack.v2', rename: 'slack-v2/index.js' }],
    ['Slack.TS', { is: 'misnamed', name: 'Slack', rename: 'slack.ts' }],
    ['café.ts', { is: 'misnamed', name: 'café', rename: 'cafe.ts' }],
    ['straße.ts', { is: 'misnamed', name: 'straße', rename: 'strasse.ts' }],
    ['日本x.ts', { is: 'misnamed', name: '日本x', rename: undefined }],
  ])('of plugins: %s', (path, kind) => expect(kindOfPluginPath(path)).toEqual(kind));

  it.each(['old.cjs', 'old.cts', 'OLD.CJS', 'x.yaml', 'x.yml', 'x.ts.txt', 'x.py', 'x.sh'])(
    'is an unrecognized file in plugins/: %s',
    (path) => expect(kindOfPluginPath(path).is).toBe('unrecognized'),
  );
  it.each(['team/x.yaml', 'team/deep/x.yml', 'x.json', 'x.ts', 'x.toml', 'x'])(
    'is an unrecognized file in agents/: %s',
    (path) => expect(kindOfAgentFile(path).is).toBe('unrecognized'),
  );
  it.each(['x.ts~', '.x.ts.swp', '#x.ts#', 'x.swp', 'x.orig', 'x.rej'])('of an editor is ignored: %s', (path) => {
    expect(kindOfPluginPath(path)).toEqual({ is: 'ignored' });
    expect(kindOfAgentFile(path)).toEqual({ is: 'ignored' });
  });

  it('is always something, and the advice is always a name that can be', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 90 }),
        fc.constantFrom('.ts', '.TSX', '/index.ts', '.yaml'),
        (text, end) => {
          const path = `${text.replaceAll('/', '')}${end}`;
          for (const kind of [kindOfPluginPath(path), kindOfAgentFile(path)]) {
            if (kind.is === 'misnamed' && kind.rename) expect(kind.rename.split(/[/.]/)[0]).toMatch(NAME);
          }
        },
      ),
    );
  });
});

describe('what lies in the folders', () => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/hello.ts': plugin(
        'hello',
        '',
        "import { help } from './helper.ts'; import './old-helper.cjs'; void help;",
      ),
      'plugins/helper.ts': "export const help = 1; export { part } from './shared/part.ts';",
      'plugins/shared/part.ts': 'export const part = 1;',
      'plugins/old-helper.cjs': 'module.exports = 1;',
      'plugins/slack/index.ts': plugin('slack', '', "import { send } from './send.ts'; console.log(send);"),
      'plugins/slack/send.ts': 'export const send = 1;',
      'plugins/both.ts': plugin('both'),
      'plugins/both/index.ts': plugin('both too'),
      'plugins/oldie.cjs': "module.exports = require('daruma').definePlugin({ about: 'x', run() {} });",
      'plugins/team/deep.ts': plugin('deep'),
      'plugins/team/unused.ts': 'export const nobody = 1;',
      'plugins/lib/quiet.ts': 'export const quiet = 1;',
      'plugins/json-attr.ts': plugin('json', ''),
      'plugins/Json-Attr.ts': plugin('json', ''),
      'plugins/x.yaml': 'plugin: hello\n',
      'agents/team/nested.yaml': 'plugin: hello\n',
      'agents/other.json': '{ "plugin": "hello" }',
    });
  });
  afterAll(() => world.end());

  it('is a plugin: also the index file of a folder, with its own parts', async () => {
    expect(world.listing('slack')).toMatchObject({ is: 'idle', problem: null });
    const { id } = world.agent('slack').version;
    world.write('plugins/slack/send.ts', 'export const send = 2;');
    await world.until('its part counts', () => world.agent('slack').version.id !== id);
    expect(world.lines.filter(({ message }) => /helper/.test(message))).toEqual([]);
  });

  it('is a helper: whatever a plugin imports, whatever its name', () => {
    for (const file of [
      'plugins/helper.ts',
      'plugins/old-helper.cjs',
      'plugins/shared/part.ts',
      'plugins/lib/quiet.ts',
    ]) {
      expect(world.problem(file), file).toBeUndefined();
    }
    expect(world.listing('helper')).toBeUndefined();
  });

  it('or is a problem that is told, with advice that can be followed', () => {
    expect(world.problem('plugins/both.ts')).toMatchObject({ code: 'NAME_CLASH' });
    expect(world.problem('plugins/oldie.cjs')).toMatchObject({ code: 'FILE_STRAY' });
    expect(world.problem('plugins/x.yaml')).toMatchObject({
      code: 'FILE_STRAY',
      next: 'mv plugins/x.yaml agents/x.yaml',
    });
    expect(world.problem('plugins/team/deep.ts')).toMatchObject({
      code: 'PLUGIN_MISPLACED',
      next: 'mv plugins/team/deep.ts plugins/deep.ts',
    });
    expect(world.problem('agents/team/nested.yaml')?.next).toBe('mv agents/team/nested.yaml agents/nested.yaml');
    expect(world.problem('agents/other.json')?.next).toContain('agents/other.yaml');
    expect(world.problem('plugins/Json-Attr.ts')?.next).toBe(
      'rename it, or remove it: plugins/json-attr.ts is there already',
    );
  });

  it('or is worth a note: a helper that nobody imports, once all plugins are known to be whole', async () => {
    expect(world.catalog.notes()).toEqual([]);
    world.remove('plugins/both');
    await world.until('it is told', () => world.catalog.notes().length > 0);
    expect(world.catalog.notes()).toMatchObject([{ code: 'HELPER_UNUSED', file: 'plugins/team/unused.ts' }]);
  });
});

describe('a link below plugins/', () => {
  it('to the whole machine costs nothing; one to a folder with a part that is imported is watched', async () => {
    const world = await makeWorld({ 'shared/part.ts': 'export const part: string = "one";' });
    const at = (path: string) => join(world.folder, path);
    try {
      symlinkSync('/', at('plugins/rootdir'));
      symlinkSync('..', at('plugins/above'));
      symlinkSync(at('shared'), at('plugins/shared'));
      mkdirSync(at('elsewhere/linked'), { recursive: true });
      world.write('elsewhere/linked/index.ts', plugin('linked', ''));
      symlinkSync(at('elsewhere/linked'), at('plugins/linked'));
      world.write('plugins/uses.ts', plugin('uses', '', "import { part } from './shared/part.ts'; console.log(part);"));
      await world.until('it is live', () => world.catalog.agents().has('uses') && world.catalog.agents().has('linked'));
      await world.until('unused links are told', () => world.catalog.notes().length === 2);
      expect(world.catalog.notes().map(({ file }) => file)).toEqual(['plugins/above', 'plugins/rootdir']);
      const { id } = world.agent('uses').version;
      const from = performance.now();
      world.write('shared/part.ts', 'export const part: string = "two";');
      await world.until('the part counts', () => world.agent('uses').version.id !== id);
      expect(performance.now() - from).toBeLessThan(15_000);
      rmSync(at('plugins/rootdir'));
    } finally {
      await world.end();
    }
  });

  it('leads to a folder outside of the installation only where a setting names it: to a plugin there, and to what one imports', async () => {
    const elsewhere = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-elsewhere-')));
    const shared = join(elsewhere, 'shared');
    for (const path of ['shared/mine', 'other']) mkdirSync(join(elsewhere, path), { recursive: true });
    writeFileSync(join(shared, 'mine/index.ts'), plugin('mine', ''));
    writeFileSync(join(shared, 'part.ts'), 'export const part: string = "one";');
    writeFileSync(join(elsewhere, 'other/part.ts'), 'export const part: string = "two";');
    const world = await makeWorld({
      'plugins/uses.ts': plugin('uses', '', "import { part } from './shared/part.ts'; console.log(part);"),
      'plugins/other.ts': plugin('other', '', "import { part } from './others/part.ts'; console.log(part);"),
      'config/daruma.yaml': 'timezone: UTC',
      'plugins/conf.ts': plugin(
        'conf',
        '',
        "import text from './up/config/daruma.yaml' with { type: 'text' }; console.log(text);",
      ),
    });
    const link = (to: string, path: string) => symlinkSync(to, join(world.folder, path));
    try {
      link(join(shared, 'mine'), 'plugins/mine');
      link(shared, 'plugins/shared');
      link(join(elsewhere, 'other'), 'plugins/others');
      link('..', 'plugins/up');
      await world.catalog.rescan();
      expect(world.problem('plugins/mine')).toMatchObject({
        code: 'LINK_OUTSIDE',
        next: expect.stringContaining('links.folders'),
      });
      for (const name of ['uses', 'other', 'conf'])
        expect(world.problem(`plugins/${name}.ts`)).toMatchObject({ code: 'PLUGIN_IMPORT_OUTSIDE' });
      expect(world.catalog.listings().map(({ name }) => name)).not.toContain('mine');
      await world.restart({ linkFolders: [shared] });
      await world.until(
        'they are live',
        () => world.catalog.agents().has('mine') && world.catalog.agents().has('uses'),
      );
      for (const name of ['other', 'conf'])
        expect(world.problem(`plugins/${name}.ts`)).toMatchObject({ code: 'PLUGIN_IMPORT_OUTSIDE' });
      expect(world.catalog.problems().map(({ code }) => code)).not.toContain('LINK_OUTSIDE');
    } finally {
      await world.end();
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('is told when a folder that is granted to an agent lies behind one', async () => {
    const world = await makeWorld({
      'plugins/writes.ts': plugin('writes', "needs: { read: ['data/in'], write: ['out'] },"),
    });
    try {
      mkdirSync(join(world.folder, 'far'));
      symlinkSync('far', join(world.folder, 'out'));
      await world.restart();
      const note = {
        code: 'GRANT_ELSEWHERE',
        file: 'plugins/writes.ts',
        data: { need: 'write', real: join(world.folder, 'far') },
      };
      await world.until('it is told', () => world.catalog.notes().length > 0);
      expect(world.catalog.notes()).toMatchObject([note]);
    } finally {
      await world.end();
    }
  });

  it('that leads nowhere is a problem', async () => {
    const world = await makeWorld();
    try {
      symlinkSync('nowhere.ts', join(world.folder, 'plugins/gone.ts'));
      await world.catalog.rescan();
      expect(world.problem('plugins/gone.ts')).toMatchObject({ message: 'is a link that leads nowhere' });
    } finally {
      await world.end();
    }
  });
});

describe('a folder that holds too much', () => {
  it('is looked at up to its bound, and told; the others are whole', async () => {
    const world = await makeWorld({ 'plugins/zed/index.ts': plugin('zed', '') });
    try {
      for (let i = 0; i < 2_001; i++) world.write(`plugins/data/rows/${i}.txt`, '');
      await world.catalog.rescan();
      expect(world.problem('plugins/data/rows')).toMatchObject({ code: 'FOLDER_TOO_BIG' });
      expect(world.listing('zed')).toMatchObject({ problem: null });
    } finally {
      await world.end();
    }
  });
});
