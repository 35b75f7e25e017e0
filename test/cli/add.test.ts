import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offLinesOf, planCopy } from '../../src/cli/plugins/copy.ts';
import { isPluginName } from '../../src/cli/plugins/names.ts';
import { sourceToAdd } from '../../src/cli/plugins/source.ts';
import type { PluginAsks } from '../../src/control/protocol.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { temporaryInstallation } from './fake-host.ts';
import { cli } from './process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
let remove: () => void;
beforeEach(() => {
  ({ folder, remove } = temporaryInstallation());
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
});
afterEach(() => remove());

const read = (path: string) => readFileSync(join(folder, path), 'utf8');

describe('daruma add', () => {
  it('shows what a plugin asks for, writes it when told to, and then names the line that switches it on', async () => {
    const asked = await cli(['add', 'post-mastodon'], { cwd: folder });
    expect(asked.code).toBe(1);
    expect(asked.out).toMatch(/net +settings\.server\n/);
    expect(asked.out).toMatch(/secrets +MASTODON_TOKEN\n/);
    expect(asked.out).toMatch(/memory +64MB\n/);
    expect(asked.out).toContain('not added; → daruma add post-mastodon --yes');
    expect(() => read('agents/post-mastodon.yaml')).toThrow();

    const added = await cli(['add', 'post-mastodon', '--yes', '--json'], { cwd: folder });
    const value = JSON.parse(added.out);
    expect(value).toMatchObject({ is: 'added', off: [{ file: 'agents/post-mastodon.yaml', line: 6 }], agent: null });
    expect(value.files).toContain('plugins/post-mastodon/lib/post.ts');
    expect(read('agents/post-mastodon.yaml').split('\n')[5]).toMatch(/^enabled: false/);
    expect(read('plugins/post-mastodon/index.ts')).toBe(readFileSync(join(ROOT, 'plugins/post-mastodon.ts'), 'utf8'));

    const copied = await cli(['new', 'mine', '--from', 'post-mastodon'], { cwd: folder });
    expect(copied.out).toContain('take out "enabled: false": agents/mine.yaml:6');
    expect(read('agents/mine.yaml')).toContain('plugin: mine\nenabled: false');
    expect(await cli(['check'], { cwd: folder })).toMatchObject({ code: 0 });

    const again = await cli(['add', 'post-mastodon'], { cwd: folder });
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('is there already, and off') });
    expect(again.out).toContain('take out "enabled: false": agents/post-mastodon.yaml:6');
    rmSync(join(folder, 'agents/post-mastodon.yaml'));
    expect(await cli(['add', 'post-mastodon', '--yes'], { cwd: folder })).toMatchObject({
      code: 1,
      err: expect.stringContaining('plugins/post-mastodon/index.ts is there already, and nothing keeps it off'),
    });
  });

  it('tells what is wrong with a file before anything is written', async () => {
    mkdirSync(join(folder, 'drafts'));
    writeFileSync(join(folder, 'drafts/odd.ts'), 'export default 1;\n');
    const { code, err } = await cli(['add', 'drafts/odd.ts', '--yes'], { cwd: folder });
    expect(code).toBe(1);
    expect(err).toContain('odd.ts');
    expect(() => read('plugins/odd.ts')).toThrow();
  });

  it.each([
    ['https://shop.example/x.ts', 'ADD_ADDRESS'],
    ['post-mastodn', 'PLUGIN_UNKNOWN'],
    ['./nothing.ts', 'FILE_MISSING'],
    ['./package.json', 'USAGE'],
  ])('refuses %s with %s', (said, code) => {
    expect(() => sourceToAdd(said)).toThrow(
      expect.toSatisfy((fault) => fault instanceof Fault && fault.plain.code === code),
    );
  });
});

const asks: PluginAsks = {
  ...{ about: 'Asks\na shop.', schedule: '@daily', starts: [], memory: '64MB', packages: [], parts: [] },
  needs: { secrets: ['SHOP_TOKEN'] },
  settings: [
    { name: 'url', about: 'The shop.', mustBeSet: true },
    { name: 'most', about: null, mustBeSet: false },
  ],
};
const source = { name: 'shop', root: '/x', file: 'shop.ts', agentFile: undefined };

describe('a copy of a plugin', () => {
  it('is off while it lacks settings or secrets, and says which', () => {
    const { file, agentFile } = planCopy(source, asks, 'shop', false);
    expect(file).toBe('plugins/shop.ts');
    expect(agentFile?.text.split('\n').slice(2)).toEqual([
      '# Asks a shop.',
      '# Secrets to write into .env first: SHOP_TOKEN.',
      'plugin: shop',
      'enabled: false # this line gone, it works',
      'settings:',
      '  url: null # The shop.',
      '',
    ]);
    writeAgents({
      'shop.yaml': agentFile!.text,
      'other.yaml': 'plugin: other\nenabled: false\n',
      'on.yml': 'plugin: shop\n',
    });
    expect(offLinesOf(folder, 'shop')).toEqual([{ file: 'agents/shop.yaml', line: 6 }]);
  });

  it('that wants nothing runs as it is, unless it is a start for another one', () => {
    const plain = { ...asks, needs: {}, settings: [] };
    expect(planCopy(source, plain, 'shop', false).agentFile).toBeUndefined();
    expect(planCopy(source, plain, 'mine', true).agentFile?.text).toContain('plugin: mine\nenabled: false');
    const given = { ...source, agentFile: '# A.\nplugin: shop\nsettings: { most: 1 }\n' };
    expect(planCopy(given, plain, 'mine', true).agentFile?.text).toBe(
      '# A.\nplugin: mine\nenabled: false # this line gone, it works\nsettings: { most: 1 }\n',
    );
  });

  it('takes no files from outside of the folder of its plugin', () => {
    for (const part of ['../shared.ts', '/etc/x.ts'])
      expect(() => planCopy(source, { ...asks, parts: [part] }, 'shop', false)).toThrow(/outside of its folder/);
    expect(isPluginName('a-1')).toBe(true);
    expect(isPluginName('a/b')).toBe(false);
  });
});

function writeAgents(files: Record<string, string>) {
  mkdirSync(join(folder, 'agents'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'agents', name), text);
}
