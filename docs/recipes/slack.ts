import { definePlugin, GiveUp, RetryLater, z } from 'daruma';

export default definePlugin({
  about: 'Posts what other agents send it to a Slack channel.',
  input: z.object({ title: z.string().optional(), text: z.string().min(1), markdown: z.string().optional() }),
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { secrets: ['SLACK_WEBHOOK_URL'], net: ['hooks.slack.com'] },
  run({ job, secrets, fetch, once }) {
    const { title, text } = job.input;
    const message = { text: title ? `*${title}*\n${text}` : text };
    // Slack takes no key, so nobody can ask it whether a post was made: a post that may have been made is not made again.
    return once('post', () => post(message), { ifUnknown: 'skip' });

    async function post(body: object) {
      const answer = await fetch(secrets.SLACK_WEBHOOK_URL, { method: 'POST', body: JSON.stringify(body) });
      const said = (await answer.text()).slice(0, 200);
      if (answer.status === 429) throw new RetryLater('Slack wants us to wait', { after: '1m' });
      if (answer.status >= 500) throw new Error(`Slack answered ${answer.status}: ${said}`);
      if (!answer.ok) throw new GiveUp(`Slack refused the post (${answer.status}): ${said}`);
      return { status: answer.status };
    }
  },
});
