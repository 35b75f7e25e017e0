import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: 'Posts what a person has to look at.',
  on: ['incident.escalated', 'job.dead', 'host.lost'],
  settings: z.strictObject({ channel: z.string().default('post-file').describe('The agent that posts.') }),
  async run({ settings, job, send }) {
    const event = job.input;
    const title = event.topic === 'job.dead' ? `${event.data.job} of ${event.agent} is dead` : event.topic;
    await send(settings.channel, { title, text: event.message }, { key: `event:${event.id}` });
    return { title };
  },
});
