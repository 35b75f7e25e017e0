import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Says in a channel when somebody opens an issue on GitHub.',
  webhook: {
    verify: { github: 'GITHUB_SECRET' },
    // Fields that are not named here are left out.
    input: z.object({
      action: z.string(),
      issue: z.object({ number: z.int(), title: z.string(), html_url: z.string() }).optional(),
      repository: z.object({ full_name: z.string() }).optional(),
    }),
  },
  settings: z.strictObject({ channel: z.string().default('post-file') }),
  limits: { memory: '64MB', timeout: '1m' },
  async run({ job, settings, send }) {
    const { event, delivery, body } = job.input ?? {};
    if (event !== 'issues' || body?.action !== 'opened' || !body.issue) return { posted: false };
    const { number, title, html_url } = body.issue;
    const post = { title: `${body.repository?.full_name ?? 'somewhere'} #${number}`, text: `${title} ${html_url}` };
    await send(settings.channel, post, { key: `issue:${delivery}` });
    return { posted: true };
  },
});
