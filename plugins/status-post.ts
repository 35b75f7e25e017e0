import { definePlugin, z } from 'daruma';
import { machineZone } from './lib/days.ts';
import { composeStatus } from './lib/status.ts';
import { timezone } from './lib/units.ts';

export default definePlugin({
  about: 'Sends the status of the last 24 hours, in plain words and real figures, to channel agents.',
  schedule: '0 9 * * *',
  firstRun: true,
  settings: z.strictObject({
    channels: z
      .array(z.string().min(1))
      .default(['post-file'])
      .describe('Agents that post: each gets a job with { title, text, markdown }; text has at most 500 characters.'),
    timezone: timezone().optional().describe('IANA zone of the dates in the text. Default: the zone of the machine.'),
  }),
  limits: { memory: '64MB', timeout: '1m', silence: '1m', attempts: 5 },
  needs: { fleet: true },
  async run({ settings, fleet, job, send, summary }) {
    const status = composeStatus(await fleet.report(), settings.timezone ?? machineZone());
    summary(`**${status.title}**\n\n${status.markdown}`);
    // One post a slot, however often the job is tried or replayed; asked for by hand, one a job.
    const key = `status:${job.slot ?? job.id}`;
    const sends = await Promise.allSettled(settings.channels.map((channel) => send(channel, status, { key })));
    const lost = sends.flatMap((sent) => (sent.status === 'rejected' ? [sent.reason as Error] : []));
    if (lost.length > 0) throw new AggregateError(lost, lost.map((error) => error.message).join('; '));
    return { channels: settings.channels, title: status.title, characters: status.text.length };
  },
});
