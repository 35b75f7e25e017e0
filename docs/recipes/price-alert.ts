import { definePlugin, z } from 'daruma';

const event = z.object({ data: z.object({ id: z.string(), before: z.number(), price: z.number() }) });

export default definePlugin({
  about: 'Posts each price that moved.',
  on: ['price.moved'],
  settings: z.strictObject({ channel: z.string().default('post-file').describe('The agent that posts.') }),
  limits: { memory: '64MB', timeout: '30s', attempts: 5 },
  async run({ settings, job, send }) {
    const { id, before, price } = event.parse(job.input).data;
    const text = `${id} went from ${before} to ${price}.`;
    await send(settings.channel, { title: 'A price moved', text }, { key: `price:${job.id}` });
    return { text };
  },
});
