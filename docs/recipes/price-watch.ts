import { definePlugin, GiveUp, RetryLater, z } from 'daruma';

const offers = z.array(z.object({ id: z.string(), price: z.number() }));

export default definePlugin({
  about: 'Tells when a price moves.',
  schedule: '8-59/10 * * * *',
  settings: z.strictObject({
    url: z.url().describe('The list of offers.'),
    minChange: z.number().positive().default(0.05).describe('The least change that is told, as a share.'),
  }),
  limits: { memory: '96MB', timeout: '1m', attempts: 5, staleAfter: '6h' },
  needs: { secrets: ['SHOP_TOKEN'], net: ['api.shop.example'] },
  async run({ settings, secrets, fetch, state, once, emit, beat }) {
    const answer = await fetch(settings.url, { headers: { authorization: `Bearer ${secrets.SHOP_TOKEN}` } });
    if (answer.status === 401) throw new GiveUp('SHOP_TOKEN is not valid any more');
    if (answer.status === 429) throw new RetryLater('the shop wants us to wait', { after: '10m' });
    if (!answer.ok) throw new Error(`the shop answered ${answer.status}`);

    let moved = 0;
    for (const { id, price } of offers.parse(await answer.json())) {
      beat(id);
      const before = await state.get<number>(id);
      if (before !== undefined && Math.abs(price / before - 1) >= settings.minChange) {
        moved += 1;
        await once(`moved:${id}`, () => emit('price.moved', { id, before, price }));
      }
      await state.set(id, price);
    }
    return { moved };
  },
});
