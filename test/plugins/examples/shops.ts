import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Counts the orders of each shop.',
  input: z.array(z.object({ shop: z.string(), amount: z.number() })).default([]),
  run({ job, count, gauge, time }) {
    gauge('waiting', job.input.length);
    return time('import', () => {
      for (const { shop, amount } of job.input) count('orders', amount, { shop });
      return job.input.length;
    });
  },
});
