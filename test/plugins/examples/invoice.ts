import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Adds up an order.',
  input: z.strictObject({
    order: z.string(),
    lines: z.array(z.object({ what: z.string(), cents: z.int().min(0) })).min(1),
    currency: z.enum(['EUR', 'USD']).default('EUR'),
  }),
  run({ job, summary }) {
    const { order, lines, currency } = job.input;
    const cents = lines.reduce((sum, line) => sum + line.cents, 0);
    summary(`Order ${order}: ${(cents / 100).toFixed(2)} ${currency}`);
    return { order, cents };
  },
});
