import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childrenOf, makeWorld, plugin, type World } from './world.ts';

const head = "import { definePlugin } from 'daruma';\n";
const tail = "\nexport default definePlugin({ about: 'x', run() {} });\n";

async function inWorld(files: Record<string, string>, options: object, does: (world: World) => Promise<void>) {
  const world = await makeWorld(files, options);
  try {
    await does(world);
  } finally {
    await world.end();
  }
}

describe('the builder', () => {
  it('names a plugin that loads for ever, and the others beside it are live', async () => {
    const files: Record<string, string> = {
      'plugins/loops.ts': `${head}for (;;) {}${tail}`,
      'plugins/waits.ts': `${head}await new Promise((done) => setTimeout(done, 1e9));${tail}`,
    };
    for (let index = 0; index < 4; index++) files[`plugins/good-${index}.ts`] = plugin(`good ${index}`);
    // Long enough for the innocent ones, however busy the machine is.
    await inWorld(files, { inspectMs: 3_500 }, async (world) => {
      await world.until(
        'all six are judged',
        () => world.catalog.agents().size + world.catalog.problems().length === 6,
      );
      expect([...world.catalog.agents().keys()].sort()).toEqual(['good-0', 'good-1', 'good-2', 'good-3']);
      for (const name of ['loops', 'waits']) {
        expect(world.problem(`plugins/${name}.ts`)).toMatchObject({
          code: 'PLUGIN_LOADS_FOREVER',
          message: 'did not finish loading within 3.5 s: it loops or waits at its top level',
        });
      }
    });
  });

  it('outlives a plugin whose memory brings down the whole process, and blames that one alone', async () => {
    const files: Record<string, string> = {
      'plugins/grows.ts': `${head}const map = new Map<number, object>();\nfor (let i = 0; ; i++) map.set(i, { i });${tail}`,
      'plugins/aborts.ts': `${head}const set = new Set<string>();\nfor (let i = 0; ; i++) set.add('key ' + i);${tail}`,
      'plugins/good.ts': plugin('good'),
    };
    await inWorld(files, { inspectMs: 60_000 }, async (world) => {
      await world.until(
        'all three are judged',
        () => world.catalog.agents().size === 1 && world.catalog.problems().length === 2,
      );
      expect([...world.catalog.agents().keys()]).toEqual(['good']);
      expect(world.problem('plugins/grows.ts')?.code).toBe('PLUGIN_LOAD_MEMORY');
      expect(world.problem('plugins/aborts.ts')?.code).toBe('PLUGIN_LOAD_MEMORY');
    });
  });

  it('shows a plugin nothing of the host: no environment, no file, no other process', async () => {
    process.env.CATALOG_TEST_SECRET = 'hidden';
    const before = `import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createRequire } from 'node:module';
const found: string[] = Object.keys(process.env);
for (const attempt of [
  () => readFileSync('/proc/self/environ'), () => readFileSync('plugins/spy.ts'), () => readFileSync(process.cwd() + '/x'),
  () => createRequire('/x.js')('node:child_process').spawnSync('true'), () => process.kill(process.ppid, 0), () => createServer().listen(0),
]) {
  try { attempt(); found.push(String(attempt)); } catch (error) { if ((error as { code?: string }).code === 'ENOENT') continue; }
}
`;
    const spy = plugin('spy', 'on: found.length === 0 ? [] : ["found"],', before).replace(
      'about: "spy"',
      'about: JSON.stringify(found)',
    );
    await inWorld({ 'plugins/spy.ts': spy }, {}, async (world) => {
      expect(world.catalog.problems()).toEqual([]);
      expect(JSON.parse(world.agent('spy').about)).toEqual([]);
    });
    delete process.env.CATALOG_TEST_SECRET;
  });

  it('ends by itself when nothing is to be done, and comes back when there is', async () => {
    await inWorld({ 'plugins/one.ts': plugin('one') }, { warmMs: 50 }, async (world) => {
      await world.until('it is gone', () => childrenOf(process.pid).length === 0);
      world.write('plugins/one.ts', plugin('two'));
      await world.until('it is live', () => world.agent('one').about === 'two');
      await world.until('it is gone again', () => childrenOf(process.pid).length === 0);
    });
  });

  it('leaves no process behind when the catalog is stopped, in the middle of a load that never ends too', async () => {
    const world = await makeWorld({ 'plugins/one.ts': plugin('one') });
    expect(childrenOf(process.pid).length).toBeGreaterThan(0);
    world.write('plugins/loops.ts', `${head}for (;;) {}${tail}`);
    await world.until(
      'it is being looked at',
      () => readdirSync(join(world.folder, 'data/versions/.staging')).length > 0,
    );
    await world.end();
    expect(childrenOf(process.pid)).toEqual([]);
  });

  it('may be stopped at any moment, twice, and before it starts', async () => {
    for (const after of [0, 5, 40, 120]) {
      const world = await makeWorld({}, {});
      world.write('plugins/one.ts', plugin(`after ${after}`));
      await new Promise((resolve) => setTimeout(resolve, after));
      await Promise.all([world.catalog.stop(), world.catalog.stop()]);
      await world.end();
      expect(world.catalog.alive()).toBeUndefined();
    }
    expect(childrenOf(process.pid)).toEqual([]);
  });
});

describe('versions on disk', () => {
  it('are named by content, whole, with their source, and bounded in bytes', async () => {
    await inWorld({ 'plugins/one.ts': plugin('0') }, { versionsBudgetBytes: () => 1 }, async (world) => {
      for (let index = 1; index <= 9; index++) {
        world.write('plugins/one.ts', plugin(String(index)));
        await world.until('it is live', () => world.agent('one').about === String(index));
      }
      await world.catalog.stop();
      const folder = join(world.folder, 'data/versions');
      const ids = readdirSync(join(folder, 'one'));
      // The one in force, and two that workers may still read.
      expect(ids).toHaveLength(3);
      for (const id of ids) {
        expect(id).toMatch(/^[0-9a-f]{12}$/);
        expect(readdirSync(join(folder, 'one', id)).sort()).toEqual([
          'manifest.json',
          'plugin.mjs',
          'plugin.mjs.map',
          'source',
        ]);
      }
      expect(readdirSync(join(folder, '.staging'))).toEqual([]);
    });
  });

  it('are made anew when a power cut left them short', async () => {
    await inWorld({ 'plugins/one.ts': plugin('one') }, {}, async (world) => {
      const { file } = world.agent('one').version;
      const whole = readFileSync(file, 'utf8');
      await world.catalog.stop();
      world.write(file.slice(world.folder.length + 1), whole.slice(0, 100));
      await world.restart();
      expect(readFileSync(world.agent('one').version.file, 'utf8')).toBe(whole);
    });
  });
});
