import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeWorld, plugin, type World } from './world.ts';

describe('a file that changes', () => {
  let world: World;
  const at = (path: string) => join(world.folder, path);
  const about = (name: string) => world.catalog.agents().get(name)?.about;
  beforeAll(async () => {
    world = await makeWorld({
      'plugins/one.ts': plugin('first'),
      'plugins/uses-helper.ts': plugin(
        'helper',
        '',
        "import { word } from './lib/word.ts';\nimport { deep } from '../shared/deep.ts';\nexport const words = [word, deep];",
      ),
      'plugins/lib/word.ts': "export const word = 'a';\n",
      'shared/deep.ts': "export const deep = 'a';\n",
    });
  });
  beforeEach(() => void world.changes.splice(0));
  afterAll(() => world.end());

  it('is live under its name, with what it was before told along', async () => {
    const before = world.agent('one');
    // Each look at 1,000 agents asks for the set some thousand times: it is made once for each change.
    const set = world.catalog.agents();
    expect(world.catalog.agents()).toBe(set);
    world.write('plugins/one.ts', plugin('second'));
    await world.until('the new one is live', () => about('one') === 'second');
    expect(set.get('one')).toBe(before);
    expect(world.changes).toEqual([{ added: [], changed: [{ before, after: world.agent('one') }], removed: [] }]);
    expect(world.agent('one').fingerprint).not.toBe(before.fingerprint);
  });

  it('may be saved by a rename of a temporary file', async () => {
    world.write('plugins/.one.ts.swp', 'not a plugin');
    world.write('plugins/one.ts.tmp', plugin('renamed in'));
    renameSync(at('plugins/one.ts.tmp'), at('plugins/one.ts'));
    await world.until('it is live', () => about('one') === 'renamed in');
    expect(world.changes).toMatchObject([{ added: [], removed: [] }]);
    expect(world.catalog.problems()).toEqual([]);
  });

  it('may be moved aside and written anew, as vim does', async () => {
    renameSync(at('plugins/one.ts'), at('plugins/one.ts~'));
    world.write('plugins/one.ts', plugin('written anew'));
    await world.until('it is live', () => about('one') === 'written anew');
    expect(world.changes).toMatchObject([{ added: [], removed: [] }]);
  });

  it('may be cut to nothing first and written later', async () => {
    truncateSync(at('plugins/one.ts'));
    await world.until('the cut is seen', () => world.problem('plugins/one.ts')?.code === 'FILE_EMPTY');
    expect(about('one')).toBe('written anew');
    world.write('plugins/one.ts', plugin('filled'));
    await world.until('it is live', () => about('one') === 'filled');
    expect(world.changes).toMatchObject([{ added: [], removed: [] }]);
  });

  it('may be deleted and created', async () => {
    rmSync(at('plugins/one.ts'));
    const looked = world.catalog.alive();
    await world.until('its absence is seen', () => world.catalog.alive() !== looked);
    world.write('plugins/one.ts', plugin('created'));
    await world.until('it is live', () => about('one') === 'created');
    expect(world.changes).toMatchObject([{ added: [], removed: [] }]);
  });

  it('may arrive in pieces: only the whole one counts', async () => {
    const text = plugin('in pieces');
    writeFileSync(at('plugins/pieces.ts'), '');
    for (let from = 0; from < text.length; from += 40) {
      appendFileSync(at('plugins/pieces.ts'), text.slice(from, from + 40));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await world.until('it is live', () => about('pieces') === 'in pieces');
    expect(world.lines.filter(({ message }) => message.includes('pieces.ts'))).toEqual([]);
  });

  it('is not reloaded by a touch, nor by being saved unchanged', async () => {
    const later = new Date(Date.now() + 60_000);
    utimesSync(at('plugins/one.ts'), later, later);
    world.write('plugins/pieces.ts', plugin('in pieces'));
    await world.catalog.rescan();
    expect(world.changes).toEqual([]);
  });

  it('is reloaded when a part that it imports changes, wherever that lies', async () => {
    const before = world.agent('uses-helper').version.id;
    world.write('plugins/lib/word.ts', "export const word = 'b';\n");
    await world.until('the part is in', () => world.agent('uses-helper').version.id !== before);
    const between = world.agent('uses-helper').version.id;
    world.write('shared/deep.ts', "export const deep = 'b';\n");
    await world.catalog.rescan();
    expect(world.agent('uses-helper').version.id).not.toBe(between);
    expect(world.changes.flatMap(({ changed }) => changed.map(({ after }) => after.name))).toEqual([
      'uses-helper',
      'uses-helper',
    ]);
  });

  it('goes back to its old version when it is changed back, without being compiled', async () => {
    const now = world.agent('one').version.id;
    world.write('plugins/one.ts', plugin('second'));
    await world.until('it is live', () => about('one') === 'second');
    world.write('plugins/one.ts', plugin('created'));
    await world.until('it is back', () => world.agent('one').version.id === now);
  });

  it('keeps its good version when the new one is bad, and says so until it is mended', async () => {
    const good = world.agent('one');
    world.write('plugins/one.ts', 'const broken = ;');
    await world.until('it is refused', () => world.problem('plugins/one.ts'));
    expect(world.agent('one')).toEqual(good);
    expect(world.listing('one')).toMatchObject({ is: 'live', problem: { code: 'PLUGIN_SYNTAX', line: 1, column: 16 } });
    await world.restart();
    expect(world.agent('one')).toEqual(good);
    expect(world.listing('one')).toMatchObject({ is: 'live', problem: { code: 'PLUGIN_SYNTAX' } });
    world.write('plugins/one.ts', plugin('mended'));
    await world.until('it is live', () => about('one') === 'mended');
    expect(world.catalog.problems()).toEqual([]);
  });

  it('takes several files at once', async () => {
    for (let index = 0; index < 8; index++) world.write(`plugins/many-${index}.ts`, plugin(`many ${index}`));
    await world.until(
      'all are live',
      () => [...world.catalog.agents().keys()].filter((name) => name.startsWith('many-')).length === 8,
    );
    for (let index = 0; index < 8; index++) world.remove(`plugins/many-${index}.ts`);
    await world.until(
      'all are gone',
      () => ![...world.catalog.agents().keys()].some((name) => name.startsWith('many-')),
    );
  });

  it('ends the agent when it is deleted', async () => {
    const before = world.agent('pieces');
    world.remove('plugins/pieces.ts');
    await world.until('it is gone', () => !world.catalog.agents().has('pieces'));
    expect(world.changes).toEqual([{ added: [], changed: [], removed: [before] }]);
    expect(world.listing('pieces')).toBeUndefined();
  });

  it('takes its new name when it is renamed', async () => {
    renameSync(at('plugins/one.ts'), at('plugins/uno.ts'));
    await world.until('the new name is live', () => world.catalog.agents().has('uno'));
    expect(world.catalog.agents().has('one')).toBe(false);
  });

  it('runs neither of two files that claim one name, but what ran before', async () => {
    const good = world.agent('uno');
    world.write('plugins/uno.tsx', plugin('the other'));
    await world.until('the clash is seen', () => world.problem('plugins/uno.ts')?.code === 'NAME_CLASH');
    expect(world.agent('uno')).toEqual(good);
    world.remove('plugins/uno.tsx');
    await world.until('it is over', () => world.catalog.problems().length === 0);
    expect(world.agent('uno').version).toEqual(good.version);
  });

  it('is named when its name cannot be one', async () => {
    world.write('plugins/My Plugin.ts', plugin('x'));
    await world.until('it is seen', () => world.problem('plugins/My Plugin.ts'));
    expect(world.problem('plugins/My Plugin.ts')).toMatchObject({
      code: 'FILE_NAME',
      next: 'rename it to plugins/my-plugin.ts',
    });
    world.remove('plugins/My Plugin.ts');
  });

  it('may be a symbolic link', async () => {
    world.write('elsewhere/linked.ts', plugin('linked'));
    symlinkSync(at('elsewhere/linked.ts'), at('plugins/linked.ts'));
    await world.until('it is live', () => about('linked') === 'linked');
    world.write('elsewhere/linked.ts', plugin('linked anew'));
    await world.catalog.rescan();
    expect(about('linked')).toBe('linked anew');
    symlinkSync(at('nowhere.ts'), at('plugins/dangling.ts'));
    await world.catalog.rescan();
    expect(world.listing('dangling')).toBeUndefined();
  });
});

describe('a folder that goes away', () => {
  it('leaves its agents running, over a restart too, until it is back', async () => {
    const world = await makeWorld({
      'plugins/one.ts': plugin('one', '', "import { word } from './lib/word.ts';\nvoid word;"),
      'plugins/lib/word.ts': "export const word = 'a';\n",
      'agents/two.yaml': 'plugin: one\nschedule: "@daily"\n',
    });
    try {
      const agents = [...world.catalog.agents()];
      expect(agents.map(([name]) => name)).toEqual(['two']);
      renameSync(join(world.folder, 'plugins'), join(world.folder, 'away'));
      renameSync(join(world.folder, 'agents'), join(world.folder, 'away-too'));
      await world.until('it is seen', () => world.problem('plugins') && world.problem('agents'));
      expect(world.problem('plugins')).toMatchObject({ code: 'FOLDER_MISSING', next: 'mkdir plugins' });
      expect([...world.catalog.agents()]).toEqual(agents);
      await world.restart();
      expect([...world.catalog.agents()]).toEqual(agents);
      expect(world.catalog.problems().map(({ code }) => code)).toEqual(['FOLDER_MISSING', 'FOLDER_MISSING']);
      renameSync(join(world.folder, 'away'), join(world.folder, 'plugins'));
      renameSync(join(world.folder, 'away-too'), join(world.folder, 'agents'));
      await world.catalog.rescan();
      expect(world.catalog.problems()).toEqual([]);
      world.write('plugins/one.ts', plugin('one again'));
      await world.until('it is watched again', () => world.agent('two').about === 'one again');
    } finally {
      await world.end();
    }
  });

  it('is followed when it is a link that is turned to another folder', async () => {
    const world = await makeWorld(
      { 'releases/1/x.ts': plugin('one'), 'releases/2/x.ts': plugin('two') },
      { scanMs: 200 },
    );
    try {
      world.remove('plugins');
      symlinkSync('releases/1', join(world.folder, 'plugins'));
      await world.until('the first is live', () => world.catalog.agents().get('x')?.about === 'one');
      symlinkSync('releases/2', join(world.folder, 'next'));
      renameSync(join(world.folder, 'next'), join(world.folder, 'plugins'));
      await world.until('the second is live', () => world.catalog.agents().get('x')?.about === 'two');
      world.write('releases/2/y.ts', plugin('new'));
      await world.until('it is watched', () => world.catalog.agents().has('y'));
    } finally {
      await world.end();
    }
  });
});

describe('what is in the folders besides', () => {
  it('is no plugin: tests, declarations, parts, data', async () => {
    const world = await makeWorld({
      'plugins/one.ts': plugin('one'),
      'plugins/one.test.ts': 'throw new Error();',
      'plugins/one.d.ts': 'export {};',
      'plugins/_part.ts': 'throw new Error();',
      'plugins/lib/part.ts': 'throw new Error();',
      'plugins/README.md': '# plugins',
      'plugins/data.csv': 'a,b',
    });
    try {
      expect([...world.catalog.agents().keys()]).toEqual(['one']);
      expect(world.catalog.problems()).toEqual([]);
      mkdirSync(join(world.folder, 'plugins/folder.ts'));
      await world.catalog.rescan();
      expect(world.catalog.listings()).toHaveLength(1);
    } finally {
      await world.end();
    }
  });
});
