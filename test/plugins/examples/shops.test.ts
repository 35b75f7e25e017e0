import { runPlugin } from 'daruma/testing';
import { expect, test } from 'vitest';

test('the orders of each shop are counted', async () => {
  const input = [
    { shop: 'north', amount: 2 },
    { shop: 'south', amount: 1 },
    { shop: 'north', amount: 5 },
  ];
  const { result, metrics } = await runPlugin(new URL('./shops.ts', import.meta.url), { input });
  expect(result).toBe(3);
  expect(metrics).toEqual([
    { name: 'import', labels: {}, kind: 'histogram', count: 1, sum: expect.any(Number) },
    { name: 'orders', labels: { shop: 'north' }, kind: 'counter', sum: 7 },
    { name: 'orders', labels: { shop: 'south' }, kind: 'counter', sum: 1 },
    { name: 'waiting', labels: {}, kind: 'gauge', last: 3, least: 3, most: 3 },
  ]);
});
