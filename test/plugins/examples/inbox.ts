import { definePlugin, z } from 'daruma';

const batch = z.object({ messages: z.array(z.object({ id: z.number(), text: z.string() })) });

export default definePlugin({
  about: 'Takes messages from a server that keeps a request open until there is one.',
  always: true,
  settings: z.strictObject({
    url: z.string().default('http://127.0.0.1:8090/'),
    channel: z.string().default('post-file'),
  }),
  needs: { net: ['settings.url'] },
  limits: { silence: '2m' },
  async run({ settings, fetch, signal, beat, state, send }) {
    while (!signal.aborted) {
      const after = (await state.get<number>('seen')) ?? 0;
      const answer = await fetch(`${settings.url}?after=${after}`, { timeout: '60s' });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      for (const { id, text } of batch.parse(await answer.json()).messages) {
        // The key first, the mark second: after a kill in between, the message is sent again and is the same job.
        await send(settings.channel, { text }, { key: `message:${id}` });
        await state.set('seen', id);
      }
      beat();
    }
  },
});
