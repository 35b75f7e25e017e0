import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createVersions } from '../../src/catalog/versions/versions.ts';
import { makeWorld, plugin, type World } from './world.ts';

const WHY = { kind: 'errors' as const, why: 'failed 3 of 3 runs: it broke', cause: 'f-1' };

describe('the versions of a plugin', () => {
  let world: World;
  afterEach(() => world.end());

  const rollouts = () => world.catalog.rollouts;
  const kept = (name = 'one') => readdirSync(join(world.folder, 'data/versions', name)).sort();
  const fingerprint = () => world.agent('one').fingerprint;
  const about = () => world.agent('one').about;

  async function saved(word: string) {
    world.write('plugins/one.ts', plugin(word));
    await world.until(`${word} is live`, () => about() === word);
    return world.agent('one').version.id;
  }
  async function good(word: string) {
    const id = await saved(word);
    rollouts().approve('one', fingerprint());
    return id;
  }
  async function fault(promise: Promise<unknown>) {
    return promise.then(
      () => undefined,
      (error) => error.plain,
    );
  }

  it('keep the files that they were made of, those that are imported too', async () => {
    world = await makeWorld({
      'plugins/one.ts': plugin('first', '', "import { word } from './lib/word.ts';\nexport const words = [word];"),
      'plugins/lib/word.ts': "export const word = 'a';\n",
    });
    const { id } = world.agent('one').version;
    const files = await rollouts().sourcesOf('one', id.slice(0, 6));
    expect([...files.keys()].sort()).toEqual(['plugins/lib/word.ts', 'plugins/one.ts']);
    expect(files.get('plugins/one.ts')).toBe(readFileSync(join(world.folder, 'plugins/one.ts'), 'utf8'));
    const facts = rollouts().versionsOf('one');
    expect(facts).toMatchObject([{ id, agents: [{ agent: 'one', is: 'probation', runs: true }] }]);
    expect(facts[0]!.bytes).toBeGreaterThan(500);
    expect((await fault(rollouts().sourcesOf('one', 'ffff')))?.code).toBe('VERSION_UNKNOWN');
  });

  it('are good at once when they are approved, and many approvals are one decision about the set, which a stop does not lose', async () => {
    const names = ['a', 'b', 'c'];
    const files = names.map((name) => [`agents/${name}.yaml`, 'plugin: one\n']);
    world = await makeWorld({ 'plugins/one.ts': plugin('first'), ...Object.fromEntries(files) });
    const before = world.catalog.listings();
    for (const name of names) {
      expect(rollouts().probationer(name)).toMatchObject({ agent: { name } });
      expect(rollouts().approve(name, world.agent(name).fingerprint)).toBe(true);
      expect(rollouts().probationer(name)).toBeUndefined();
      expect(rollouts().statesOf(name).good).toBe(world.agent(name));
    }
    expect(world.catalog.listings()).toBe(before);
    await world.restart();
    expect(world.catalog.listings().map(({ rollout }) => rollout)).toEqual(['good', 'good', 'good']);
  });

  it('go when the budget is spent, but never the good one, nor what a rollback goes to', async () => {
    world = await makeWorld({ 'plugins/one.ts': plugin('0') }, { versionsBudgetBytes: () => 1 });
    const before = await good('before');
    const last = await good('last good');
    for (let index = 1; index <= 6; index++) await saved(String(index));
    await world.until('the others are gone', () => kept().length <= 5);
    expect(kept()).toEqual(expect.arrayContaining([before, last, world.agent('one').version.id]));
    expect(rollouts().reject('one', fingerprint(), WHY)).toBe(true);
    expect(about()).toBe('last good');
    expect(existsSync(world.agent('one').version.file)).toBe(true);
  });

  it('that are bad are replaced by the good one at once, with the reason told, until the file changes', async () => {
    world = await makeWorld({ 'plugins/one.ts': plugin('0') });
    const was = await good('good');
    const bad = await saved('bad');
    const changes = world.changes.length;
    expect(rollouts().probationers()).toMatchObject([{ agent: { about: 'bad' }, good: { about: 'good' } }]);
    expect(rollouts().reject('one', fingerprint(), WHY)).toBe(true);
    // Nothing is waited for: whoever listens has heard of it when the call returns.
    expect(about()).toBe('good');
    expect(world.changes.slice(changes)).toMatchObject([
      { changed: [{ before: { about: 'bad' }, after: { about: 'good' } }] },
    ]);
    expect(world.listing('one')).toMatchObject({ rollout: 'rolled-back', problem: { code: 'ROLLED_BACK' } });
    expect(world.listing('one')!.problem!.message).toBe(
      `one is rolled back to ${was.slice(0, 8)}: version ${bad.slice(0, 8)} failed 3 of 3 runs: it broke`,
    );
    expect(world.catalog.problems()).toHaveLength(1);
    await saved('mended');
    expect(world.listing('one')).toMatchObject({ rollout: 'probation', problem: null });
    world.write('plugins/one.ts', plugin('bad'));
    await world.until('the bad one is known again', () => about() === 'good');
  });

  it('that are bad stay so over a restart, and so does what a person chose', async () => {
    world = await makeWorld({ 'plugins/one.ts': plugin('0') });
    const first = await good('first');
    await good('second');
    await saved('bad');
    rollouts().reject('one', fingerprint(), WHY);
    await world.restart();
    expect(about()).toBe('second');
    expect(world.listing('one')?.problem?.code).toBe('ROLLED_BACK');
    expect(await rollouts().rollBack('one', { version: first.slice(0, 6) })).toMatchObject({ about: 'first' });
    await world.restart();
    expect(about()).toBe('first');
    expect(world.listing('one')?.rollout).toBe('pinned');
    expect(rollouts().latest('one')).toMatchObject({ about: 'bad' });
    expect(world.listing('one')?.rollout).toBe('probation');
  });

  it('are not gone back to without a reason to: unknown, bad, or nothing before', async () => {
    world = await makeWorld({ 'plugins/one.ts': plugin('0') });
    expect(await fault(rollouts().rollBack('one', {}))).toMatchObject({ code: 'NOTHING_BEFORE' });
    await good('good');
    const bad = await saved('bad');
    rollouts().reject('one', fingerprint(), WHY);
    expect(await fault(rollouts().rollBack('one', { version: 'abc' }))).toMatchObject({ code: 'VERSION_UNKNOWN' });
    expect(await fault(rollouts().rollBack('one', { version: bad }))).toMatchObject({
      code: 'VERSION_BAD',
      next: `daruma rollback one ${bad.slice(0, 8)} --force`,
    });
    expect(await rollouts().rollBack('one', { version: bad, force: true })).toMatchObject({ about: 'bad' });
    expect(world.listing('one')).toMatchObject({ rollout: 'good', problem: null });
  });

  it('take the agent’s file with them when a person asks for one that it fits, and are refused when it does not', async () => {
    const strict = (word: string, key: string) => plugin(word, `settings: z.strictObject({ ${key}: z.string() }),`);
    world = await makeWorld({
      'plugins/one.ts': strict('first', 'city'),
      'agents/one.yaml': 'plugin: one\nsettings: { city: Ulm }\n',
    });
    const first = world.agent('one').version.id;
    world.write('agents/one.yaml', 'plugin: one\nsettings: { town: Ulm }\n');
    world.write('plugins/one.ts', strict('second', 'town'));
    await world.until('it is live', () => about() === 'second');
    const second = world.agent('one').version.id;
    // Nothing was good yet, so the state of then is not kept: only the version is.
    expect(await fault(rollouts().rollBack('one', { version: first }))).toMatchObject({ code: 'SETTINGS_INVALID' });
    expect(world.agent('one').version.id).toBe(second);
  });

  it('are of one agent each: what is bad for one runs on for another', async () => {
    const text = (word: string) => plugin(word, 'settings: z.strictObject({ n: z.number().default(1) }),');
    world = await makeWorld({
      'plugins/one.ts': text('good'),
      'agents/a.yaml': 'plugin: one\nsettings: { n: 1 }\n',
      'agents/b.yaml': 'plugin: one\nsettings: { n: 2 }\n',
    });
    for (const name of ['a', 'b']) rollouts().approve(name, world.agent(name).fingerprint);
    world.write('plugins/one.ts', text('next'));
    await world.until('both are live', () => ['a', 'b'].every((name) => world.agent(name).about === 'next'));
    rollouts().reject('a', world.agent('a').fingerprint, WHY);
    expect([world.agent('a').about, world.agent('b').about]).toEqual(['good', 'next']);
  });
});

describe('a version that is compiled anew to the same code', () => {
  let folder: string;
  let versions: ReturnType<typeof createVersions>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daruma-versions-'));
    versions = createVersions(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function made(sources: Record<string, string>) {
    const staging = await versions.stage();
    for (const [path, text] of Object.entries({ 'plugin.mjs': 'export default 1;', ...sources })) {
      mkdirSync(dirname(join(staging, path)), { recursive: true });
      writeFileSync(join(staging, path), text);
    }
    const facts = { entry: 'plugins/one.ts', real: 'plugins/one.ts', runtime: '1', inputs: [], lookups: [], reads: [] };
    return versions.keep(staging, {
      plugin: 'one',
      id: 'aaaa',
      ...facts,
      manifest: { needs: {} } as never,
      emptyIssues: [],
      sourceBytes: 0,
    });
  }

  it('never lacks its assets, nor sources for whoever asks meanwhile: old or new ones, never a mixture', async () => {
    await versions.open();
    const text = { 'source/plugins/texts/one.md': 'text' };
    const before = { ...text, 'source/plugins/one.ts': '// old', 'source/plugins/part': '// old' };
    const after = { ...text, 'source/plugins/one.ts': '// new', 'source/plugins/part/index.ts': '// new' };
    const version = await made(before);
    const asset = join(dirname(version.ref.file), 'source/plugins/texts/one.md');
    const seen: Map<string, string>[] = [];
    for (let round = 0; round < 20; round++) {
      let isKept = false;
      const keeping = made(round % 2 === 0 ? after : before).finally(() => (isKept = true));
      const readers = [
        async () => seen.push(await versions.sources(version)),
        async () => expect(readFileSync(asset, 'utf8')).toBe('text'),
      ];
      const reading = readers.map(async (read) => {
        while (!isKept) await read().then(() => nextTurn());
      });
      await Promise.all([keeping, ...reading]);
    }
    const shown = (sources: Record<string, string>) =>
      Object.entries(sources)
        .map(([path, text]) => `${path.slice('source/'.length)}: ${text}`)
        .sort()
        .join(', ');
    const kinds = new Set(
      seen.map((one) =>
        [...one]
          .map(([path, text]) => `${path}: ${text}`)
          .sort()
          .join(', '),
      ),
    );
    expect([...kinds].sort()).toEqual([shown(after), shown(before)].sort());
  });
});
