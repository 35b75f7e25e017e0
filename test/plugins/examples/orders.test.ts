import { close, runPlugin } from 'daruma/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../postgres.ts';

const plugin = new URL('./orders.ts', import.meta.url);
let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.ask(`CREATE TABLE orders (id serial PRIMARY KEY, paid boolean NOT NULL, shipped timestamptz);
    INSERT INTO orders (paid) VALUES (true), (false), (true)`);
});
afterAll(async () => {
  await close();
  await server.close();
});

it('ships what is paid, once', async () => {
  const { state, result } = await runPlugin(plugin, {
    settings: { database: server.url },
    secrets: { SHOP_DB_PASSWORD: '' },
    http: 'real',
  });
  expect([state, result]).toEqual(['done', { shipped: [1, 3] }]);
  const again = await runPlugin(plugin, {
    settings: { database: server.url },
    secrets: { SHOP_DB_PASSWORD: '' },
    http: 'real',
  });
  expect(again.result).toEqual({ shipped: [] });
});

it('has no database in a test without a network, as in a rehearsal', async () => {
  const { state, error } = await runPlugin(plugin, {
    settings: { database: server.url },
    secrets: { SHOP_DB_PASSWORD: '' },
  });
  expect([state, error]).toMatchObject([
    'failed',
    { code: 'NOT_RECORDED', file: expect.stringContaining('orders.ts') },
  ]);
});
