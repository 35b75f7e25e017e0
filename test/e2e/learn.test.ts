import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
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
    'plugins/price.ts': plugin(
      `const { readFileSync, writeFileSync } = await import('node:fs');
      const tried = (path: string) => { try { return readFileSync(context.folder + path, 'utf8'); } catch (error) { return (error as any).code; } };
      const closed = [tried('/.env'), tried('/config/daruma.yaml')];
      const price = await context.once('get', async () => (await context.fetch('http://127.0.0.1:${port}/price')).text());
      const shops = readFileSync(context.folder + '/lists/shops.txt', 'utf8');
      writeFileSync(context.folder + '/out/today.txt', shops + price);
      const { stdout } = await context.exec('echo', ['hello']);
      await context.state.set('last', price);
      await context.send('report', {});
      writeFileSync(context.folder + '/out/closed.txt', closed.join() + ' ' + stdout + context.job.input.day);`,
      `needs: { exec: ["echo", "git"], read: ["notes"] }, limits: { attempts: 1, timeout: "10s" },`,
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
    net: [`127.0.0.1:${port}`],
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
}, 60_000);
