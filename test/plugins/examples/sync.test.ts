import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

it('counts the orders of a shop', async () => {
  const plugin = new URL('./sync.ts', import.meta.url);
  const url = 'https://north.shops.example/orders';
  const http = [{ url, body: '[1, 2, 3]' }];
  const { result } = await runPlugin(plugin, { input: { shop: 'north', url }, http });
  expect(result).toEqual({ orders: 3 });
});
