import { runPlugin } from 'daruma/testing';
import { expect, it } from 'vitest';

const plugin = new URL('./price-watch.ts', import.meta.url);
const url = 'https://api.shop.example/offers';
const options = { settings: { url }, secrets: { SHOP_TOKEN: 'sesame' } };

it('tells of a price that moved', async () => {
  const { result, events, stateAfter } = await runPlugin(plugin, {
    ...options,
    state: { tea: 4 },
    http: [{ url, body: [{ id: 'tea', price: 5 }] }],
  });
  expect(result).toEqual({ moved: 1 });
  expect(events).toEqual([{ topic: 'price.moved', data: { id: 'tea', before: 4, price: 5 } }]);
  expect(stateAfter).toEqual({ tea: 5 });
});

it('waits ten minutes when the shop asks for it', async () => {
  const http = () => new Response('slow down', { status: 429 });
  const { error, retry } = await runPlugin(plugin, { ...options, http });
  expect(error).toMatchObject({ code: 'RETRY_LATER', message: 'the shop wants us to wait' });
  expect(retry).toBe(600_000);
});

it('reads what the shop said on the day of the recording', async () => {
  const record = new URL('./price-watch.http.json', import.meta.url);
  const { state, peakMb, requests } = await runPlugin(plugin, { ...options, http: { record } });
  expect(state).toBe('done');
  expect(peakMb).toBeLessThan(96);
  expect(requests).toMatchObject([{ url, headers: { authorization: 'Bearer sesame' } }]);
});
