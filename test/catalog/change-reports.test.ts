import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileReport } from '../../src/catalog/ports.ts';
import { changesOp } from '../../src/host/api/ops-read.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { makeWorld, plugin, type World } from './world.ts';

let world: World;
let told: FileReport[];
beforeEach(async () => {
  world = await makeWorld({ 'plugins/one.ts': plugin('first') });
  told = [];
  world.catalog.onFileReport((news) => told.push(news));
});
afterEach(() => world.end());

async function next(): Promise<FileReport> {
  await world.until('there is news', () => told.length > 0);
  // Whatever else comes of the same change would be here by then.
  await world.catalog.rescan();
  expect(told).toHaveLength(1);
  return told.shift()!;
}

test('each save is told once: loaded, rejected with its place while the former runs, mended, removed', async () => {
  const before = world.agent('one').version.id;
  world.write('plugins/one.ts', plugin('second'));
  const accepted = await next();
  const { id } = world.agent('one').version;
  expect(accepted).toMatchObject({
    file: 'plugins/one.ts',
    is: 'accepted',
    plugin: 'one',
    version: id,
    agents: ['one'],
  });
  expect(id).not.toBe(before);
  expect(accepted.tookMs).toBeGreaterThan(50);
  expect(accepted.tookMs).toBeLessThan(15_000);

  world.write('plugins/one.ts', plugin('third', 'run: 1 +,'));
  expect(await next()).toMatchObject({
    is: 'rejected',
    version: id,
    agents: ['one'],
    problem: { code: 'PLUGIN_SYNTAX', line: 5, frame: expect.stringContaining('> 5 |') },
  });

  // Back to what runs: nothing changes, and still somebody waits for the answer.
  world.write('plugins/one.ts', plugin('second'));
  expect(await next()).toMatchObject({ is: 'accepted', version: id, problem: null });

  world.remove('plugins/one.ts');
  expect(await next()).toMatchObject({ file: 'plugins/one.ts', is: 'removed', agents: [], version: null });
});

test('agent files and files with impossible names are told as well', async () => {
  world.write('agents/two.yaml', 'plugin: one\nschedule: "0 4 * * *"\n');
  await world.until('it is told', () => told.some(({ file }) => file === 'agents/two.yaml'));
  expect(told.find(({ file }) => file === 'agents/two.yaml')).toMatchObject({ is: 'accepted', agents: ['two'] });
  told.length = 0;
  world.write('agents/two.yaml', 'plugin: one\nscedule: "0 4 * * *"\n');
  expect(await next()).toMatchObject({
    file: 'agents/two.yaml',
    is: 'rejected',
    agents: ['two'],
    problem: { line: 2, message: expect.stringContaining('schedule') },
  });
  world.write('plugins/BadName.ts', plugin('x'));
  expect(await next()).toMatchObject({ file: 'plugins/BadName.ts', is: 'rejected', plugin: null });
});

test('what did not change is not told', async () => {
  await world.catalog.rescan();
  expect(told).toEqual([]);
});

test('what is judged again without a change of its files is told once, until the result is another one', async () => {
  world.write('plugins/two.ts', plugin('two', '', "import { v } from 'dep';\nvoid v;"));
  expect(await next()).toMatchObject({ is: 'rejected', problem: { code: 'PLUGIN_IMPORT_UNRESOLVED' } });
  await world.catalog.rescan();
  await world.catalog.rescan();
  expect(told).toEqual([]);
  world.write('node_modules/dep/package.json', '{"name":"dep","version":"1.0.0","main":"./index.js"}');
  world.write('node_modules/dep/index.js', 'exports.v = 1;');
  await world.catalog.rescan();
  expect(await next()).toMatchObject({ file: 'plugins/two.ts', is: 'accepted', problem: null });
});

test('a file that exports no plugin is not told again while another plugin is judged, which may import it', async () => {
  world.write('plugins/helper.ts', 'export const v = 1;\n');
  expect(await next()).toMatchObject({ is: 'rejected', problem: { code: 'PLUGIN_EXPORT' } });
  world.write('plugins/one.ts', plugin('second'));
  expect(await next()).toMatchObject({ file: 'plugins/one.ts', is: 'accepted' });
  world.write('plugins/one.ts', plugin('third', '', "import { v } from './helper.ts';\nvoid v;"));
  expect(await next()).toMatchObject({ file: 'plugins/one.ts', is: 'accepted' });
  expect(world.problem('plugins/helper.ts')).toBeUndefined();
});

test('clients hear when it runs next', async () => {
  const gone = new AbortController();
  const items: unknown[] = [];
  const ended = changesOp({ catalog: world.catalog, time: machineTime })(
    {},
    {
      role: 'reader',
      item: (item) => Boolean(items.push(item)),
      gone: gone.signal,
    },
  );
  world.write('plugins/one.ts', plugin('second', "schedule: '0 0 1 1 *', timezone: 'UTC',"));
  await world.until('it is told', () => items.length > 0);
  const year = new Date().getUTCFullYear() + 1;
  expect(items[0]).toMatchObject({ file: 'plugins/one.ts', nextSlot: `${year}-01-01T00:00:00.000Z` });
  gone.abort();
  expect(await ended).toBe(null);
});
