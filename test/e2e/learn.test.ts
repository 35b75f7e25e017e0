import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import type { LearnedView } from '../../src/control/protocol.ts';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
let shop: Server | undefined;
afterEach(async () => {
  await place?.leave();
  shop?.close();
  [place, shop] = [undefined, undefined];
});

it('learns the needs of a plugin that has none right, and lets it have no secret of others', async () => {
  const seen: string[] = [];
  shop = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end('7');
  });
  await new Promise<void>((resolve) => shop!.listen(0, '127.0.0.1', () => resolve()));
  const { port } = shop.address() as AddressInfo;
  place = installation({
    'lists/shops.txt': 'one',
    '.env': 'OTHER=secret-of-another\n',
    'config/daruma.yaml': '{}\n',
    'plugins/report.ts': plugin('return 1;'),
    'agents/price.yaml': `plugin: price\nsettings: { url: 'http://127.0.0.1:${port}/price' }\n`,
    'plugins/price.ts': plugin(
      `const { readFileSync, writeFileSync } = await import('node:fs');
      const tried = (path: string) => { try { return readFileSync(context.folder + path, 'utf8'); } catch (error) { return (error as any).code; } };
      const closed = [tried('/.env'), tried('/config/daruma.yaml')];
      const price = await context.once('get', async () => (await context.fetch(context.settings.url)).text());
      // Code that Daruma lends is none of the files that the plugin reads.
      const { pool } = await import('daruma/pg');
      await pool(\`postgres://me@\${new URL(context.settings.url).host}/\`, { checkoutTimeout: '200ms' }).query('SELECT 1').catch(() => {});
      const shops = readFileSync(context.folder + '/lists/shops.txt', 'utf8');
      writeFileSync(context.folder + '/out/today.txt', shops + price);
      const { stdout } = await context.exec('echo', ['hello']);
      await context.state.set('last', price);
      await context.send('report', {});
      writeFileSync(context.folder + '/out/closed.txt', closed.join() + ' ' + stdout + context.job.input.day);`,
      `needs: { exec: ["echo", "git"], read: ["notes"] }, settings: z.strictObject({ url: z.string() }), limits: { attempts: 1, timeout: "10s" },`,
    ),
  });
  const { daruma, folder, start } = place;
  mkdirSync(join(folder, 'out'));
  await start();

  const unsure = await daruma('learn', 'price');
  expect([unsure.code, seen]).toEqual([1, []]);
  expect(unsure.stdout).toContain('daruma learn price --yes');

  const { code, json } = await daruma('learn', 'price', '--yes', '--input', '{"day":"monday"}', '--json');
  const learned = json as LearnedView;
  expect(code).toBe(0);
  expect(learned.needs).toEqual({
    net: ['settings.url'],
    read: ['notes', '.env', 'config/daruma.yaml', 'lists/shops.txt'],
    write: ['out'],
    exec: ['echo', 'git'],
  });
  expect(learned.unused).toEqual([
    { need: 'read', what: 'notes' },
    { need: 'exec', what: 'git' },
  ]);
  expect(learned.added.filter(({ refused }) => refused).map(({ what }) => what)).toEqual([
    '.env',
    'config/daruma.yaml',
  ]);
  expect(readFileSync(join(folder, 'out/closed.txt'), 'utf8')).toBe('EACCES,EACCES hello\nmonday');
  expect(existsSync(join(folder, 'out/today.txt'))).toBe(true);
  expect((await daruma('jobs', '--json')).json).toEqual([]);
  expect((await daruma('state', 'price', '--json')).json).toEqual([]);
});

it('notes and refuses what it never grants by itself: secrets, commands, the fleet, SQLite, and files elsewhere', async () => {
  place = installation({
    '.env': 'OTHER=secret-of-another\n',
    'plugins/sly.ts': plugin(
      `const { readFileSync, writeFileSync } = await import('node:fs');
      const tried = async (act: () => unknown) => { try { await act(); return 'done'; } catch (error) { return (error as any).code; } };
      return [
        await tried(() => (context.secrets as any).OTHER),
        await tried(() => context.exec('id')),
        await tried(() => context.fleet.health()),
        await tried(() => process.getBuiltinModule('node:sqlite').DatabaseSync),
        await tried(() => readFileSync(context.folder + '/link/private.txt')),
        await tried(() => writeFileSync(context.folder + '/plugins/more.ts', '')),
        await tried(() => writeFileSync(context.folder + '/new.txt', '')),
      ].join() === 'NOT_IN_NEEDS,NOT_IN_NEEDS,NOT_IN_NEEDS,NOT_IN_NEEDS,EACCES,EACCES,EACCES' ? 1 : context.giveUp();`,
      'limits: { attempts: 1, timeout: "10s" },',
    ),
  });
  const { daruma, folder, start } = place;
  const outside = `${folder}-outside`;
  mkdirSync(outside);
  onTestFinished(() => rmSync(outside, { recursive: true }));
  writeFileSync(join(outside, 'private.txt'), 'private');
  symlinkSync(outside, join(folder, 'link'));
  await start();
  const { code, json, stdout } = await daruma('learn', 'sly', '--yes', '--json');
  const learned = json as LearnedView;
  expect([code, learned.attempts], stdout).toEqual([0, 1]);
  expect(learned.added).toEqual(
    [
      ['secrets', 'OTHER'],
      ['read', 'link/private.txt'],
      ['write', 'new.txt'],
      ['write', 'plugins'],
      ['exec', 'id'],
      ['modules', 'node:sqlite'],
      ['fleet', 'fleet'],
    ].map(([need, what]) => ({ need, what, refused: true })),
  );
  expect([existsSync(join(folder, 'new.txt')), existsSync(join(folder, 'plugins/more.ts'))]).toEqual([false, false]);
  expect((await daruma('learn', 'sly', '--yes')).stdout).toMatch(
    /\+ {5}exec: \['id'\],\n\+ {5}modules: \['node:sqlite'\],/,
  );
});
