import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Sends what other agents send it to a phone, by ntfy.',
  input: z.object({ title: z.string().optional(), text: z.string().min(1), markdown: z.string().optional() }),
  settings: z.strictObject({ url: z.url().default('https://ntfy.example/alerts').describe('The topic.') }),
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { net: ['settings.url'] },
  async run({ job, settings, fetch, once }) {
    const { title, text } = job.input;
    return once(
      'post',
      async () => {
        const headers = title ? { title: title.replaceAll(/[^\x20-\x7e]/g, '?') } : {};
        const answer = await fetch(settings.url, { method: 'POST', body: text, headers });
        if (!answer.ok) throw new Error(`ntfy answered ${answer.status}`);
        return { status: answer.status };
      },
      { ifUnknown: 'repeat' }, // one message twice is better than none
    );
  },
});
