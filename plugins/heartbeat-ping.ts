import { definePlugin, type FleetReport, GiveUp, z } from 'daruma';
import { type Heartbeat, heartbeat, ping } from './lib/heartbeat.ts';
import { figuresLine } from './lib/report-words.ts';

export default definePlugin({
  about: 'Tells a monitor such as Healthchecks that an agent, or all of Daruma, is at work, and says why when not.',
  // A job that another agent sends says what to ping; a job of the schedule looks for itself.
  input: heartbeat.optional(),
  settings: z.strictObject({
    server: z
      .url({ protocol: /^https?$/ })
      .default('https://hc-ping.com')
      .describe(
        'The address of the monitor without the part that names the check, which is the secret HEARTBEAT_CHECK.',
      ),
    watch: z.string().min(1).optional().describe('The agent that the pings are about. Default: all of Daruma.'),
    needs: z
      .boolean()
      .default(false)
      .describe('Whatever needs a person is a failure, too; else only a host that does not answer.'),
    dryRun: z.boolean().default(false).describe('true: nothing is sent; the result shows what would be.'),
  }),
  limits: { memory: '64MB', timeout: '1m', attempts: 5, backoff: { first: '2s', longest: '20s' }, staleAfter: '1h' },
  needs: { net: ['settings.server'], secrets: ['HEARTBEAT_CHECK'], fleet: true },
  async run({ settings, dryRun, secrets, job, fleet, fetch, state, summary }) {
    const looksAt = settings.watch;
    const now = new Date().toISOString();
    const since = (await state.get<string>('since')) ?? new Date(Date.parse(now) - 3_600_000).toISOString();
    const beat = job.input ?? (looksAt === undefined ? await ofFleet() : await ofAgent(looksAt));
    if (beat === null) {
      summary(`${looksAt} has done nothing since ${since}: no ping, so that the monitor counts its silence.`);
      return { pinged: null };
    }
    if (dryRun || settings.dryRun) return { dryRun: true, would: beat };
    await ping(beat, { server: settings.server, check: secrets.HEARTBEAT_CHECK, fetch });
    if (!job.input) await state.set('since', now);
    summary(`Told ${settings.server}: ${beat.ping}. ${beat.text}`);
    return { pinged: beat.ping };

    async function ofFleet(): Promise<Heartbeat> {
      const { ok, detail } = await fleet.health();
      if (!ok) return { ping: 'fail', text: detail };
      const report = await fleet.report();
      const waits = report.needs.map(({ agent, text, next }) => `${agent ?? 'the host'}: ${text}\n  next: ${next}`);
      const isWell = !settings.needs || waits.length === 0;
      return { ping: isWell ? 'success' : 'fail', text: [figuresLine(report), ...waits].join('\n') };
    }

    async function ofAgent(name: string): Promise<Heartbeat | null> {
      return beatOf(await fleet.report({ from: since, to: now }), name);
    }
  },
});

/** The ping for an agent's jobs of the period: a failure where a job of it died, null where nothing ended. */
function beatOf({ agents, failures }: FleetReport, name: string): Heartbeat | null {
  const agent = agents.find((one) => one.name === name);
  if (agent === undefined) throw new GiveUp(`settings.watch: there is no agent ${name}`);
  if (agent.dead > 0) {
    const errors = failures.filter((one) => one.agent === name).map(({ job, error }) => `${job}: ${error}`);
    return { ping: 'fail', text: [`${agent.dead} dead`, ...errors].join('\n') };
  }
  return agent.done === 0 ? null : { ping: 'success', text: `${agent.done} done` };
}
