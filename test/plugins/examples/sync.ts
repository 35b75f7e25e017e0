import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Fetches the orders of a shop.',
  input: z.strictObject({ shop: z.string(), url: z.url() }),
  limit: { key: 'shop', concurrency: 2, rate: 60, per: '1m' },
  workers: { max: 8 },
  needs: { net: ['*.shops.example'] },
  async run({ job, fetch }) {
    const answer = await fetch(job.input.url);
    return { orders: ((await answer.json()) as unknown[]).length };
  },
});
