import { definePlugin, type Llm, z } from 'daruma';
import { machineZone } from './lib/days.ts';
import { SHORT, type Status, statusOf, statusPost } from './lib/status.ts';
import { lengthOf } from './lib/text.ts';
import { timezone } from './lib/units.ts';
import { inventedFigures, worded } from './lib/wording.ts';

/** Networks that take less than {@link SHORT}, by the plugin of the channel. */
const LENGTHS: Record<string, number> = { 'post-x': 280, 'post-bluesky': 300 };
const TASK = `Word the status of a computer program for its readers, in the first person plural, calm and exact, in one paragraph of at most 240 characters.
Begin with what needs a person, if anything does. Write no figure that the facts do not have, no greeting, no hashtag, no emoji.`;

export default definePlugin({
  about: 'Sends the status of the last 24 hours, in plain words and real figures, to channel agents.',
  schedule: '0 9 * * *',
  firstRun: true,
  settings: z.strictObject({
    channels: z
      .array(z.union([z.string().min(1), z.strictObject({ agent: z.string().min(1), length: z.int().min(140) })]))
      .default(['post-file'])
      .describe(
        'Agents that post. `{ agent: ops-x, length: 280 }` for one whose network takes less than 500 characters.',
      ),
    wording: z
      .enum(['plain', 'model'])
      .default('plain')
      .describe('model: the chain of models words it, where needs.llm allows; the plain text stays where it cannot.'),
    timezone: timezone().optional().describe('IANA zone of the dates in the text. Default: the zone of the machine.'),
  }),
  limits: { memory: '64MB', timeout: '3m', silence: '3m', attempts: 5 },
  needs: { fleet: true, llm: { calls: 5 } },
  async run({ settings, fleet, llm, job, once, send, log, summary }) {
    const status = statusOf(await fleet.report(), settings.timezone ?? machineZone());
    const words =
      settings.wording === 'model' ? await once('word', () => wordedBy(llm, status), { ifUnknown: 'repeat' }) : null;
    if (words !== null && 'why' in words) log.info('the plain text is sent', { why: words.why });
    const text = words !== null && 'text' in words ? words.text : null;
    summary(`**${status.title}**\n\n${text ?? ''}\n\n${status.markdown}`);
    // One post a slot, however often the job is tried or replayed; asked for by hand, one a job.
    const key = `status:${job.slot ?? job.id}`;
    const sends = await Promise.allSettled(settings.channels.map(sendTo));
    const lost = sends.flatMap((sent) => (sent.status === 'rejected' ? [sent.reason as Error] : []));
    if (lost.length > 0) throw new AggregateError(lost, lost.map((error) => error.message).join('; '));
    return { channels: settings.channels, title: status.title, worded: text !== null };

    function sendTo(channel: string | { agent: string; length: number }): Promise<string> {
      const { agent, length } =
        typeof channel === 'string' ? { agent: channel, length: LENGTHS[channel] ?? SHORT } : channel;
      const post = statusPost(status, length);
      return send(agent, text !== null && lengthOf(text) <= length ? { ...post, text } : post, { key });
    }
  },
});

/** The status in a model's words, or why they cannot be used. */
async function wordedBy(llm: Llm, { title, sentences }: Status): Promise<{ text: string } | { why: string }> {
  const facts = [title, ...sentences].join(' ');
  const schema = z.object({ text: z.string().min(20).max(1_000) });
  const words = await worded(
    llm,
    { task: TASK, material: { title, sentences } },
    { schema, effort: 'low' },
    ({ text }) => {
      const invented = inventedFigures(text, facts);
      if (invented.length > 0) return `figures that no fact has: ${invented.join(', ')}`;
      return lengthOf(text) > SHORT ? `${lengthOf(text)} characters` : null;
    },
  );
  return 'why' in words ? words : { text: words.answer.text };
}
