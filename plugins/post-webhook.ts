import { type Context, definePlugin, GiveUp, z } from 'daruma';
import { createClaims, type OwnPost, sendOnce, type Way } from './lib/never-twice.ts';
import { drySetting, drySummary, type Post, post, shownRequest } from './lib/post.ts';
import { jsonInit, request } from './lib/post-request.ts';
import { duration } from './lib/units.ts';
import {
  KINDS,
  lackOf,
  ntfyMessage,
  secretsAtHand,
  WEBHOOK_SECRETS,
  type WebhookRequest,
  webhookRequest,
} from './lib/webhook-kinds.ts';

const NAMES = { generic: 'the webhook', slack: 'Slack', discord: 'Discord', telegram: 'Telegram', ntfy: 'ntfy' };
/** Clocks of two machines differ. */
const CLOCKS_DIFFER_MS = 60_000;

const settings = z.strictObject({
  kind: z.enum(KINDS).default('generic').describe('Who is posted to: the form of the request.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'generic: the address. ntfy: the topic, such as https://ntfy.sh/mine. telegram: a Bot API server of your own. slack, discord: the server, where it is your own.',
    ),
  chat: z.string().min(1).optional().describe('telegram: the id of the chat, or @name of a channel.'),
  ifUnknown: z
    .enum(['skip', 'repeat'])
    .default('skip')
    .describe(
      'slack, discord, telegram: what to do when nobody knows whether a post arrived, since they cannot be asked.',
    ),
  settle: duration()
    .default('3s')
    .describe('ntfy: after an unclear end it is looked up for so long before it is sent again.'),
  dryRun: drySetting(),
});

export default definePlugin({
  about: 'Posts to Slack, Discord, Telegram, ntfy or any address that takes JSON.',
  settings,
  input: post,
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: {
    net: ['settings.url', 'hooks.slack.com', 'discord.com', 'api.telegram.org'],
    secrets: [...WEBHOOK_SECRETS],
  },
  async run(context) {
    const { settings, job, agent, once, log, fetch, summary } = context;
    const secrets = secretsAtHand(context.secrets);
    const given = job.input;
    const lack = lackOf({ ...settings, url: settings.url, chat: settings.chat, secrets });
    if (lack !== null) throw new GiveUp(lack);
    const made = webhookRequest(given, { ...settings, url: settings.url, chat: settings.chat, secrets, job, agent });
    if (context.dryRun || settings.dryRun) {
      const would = shownRequest('POST', made.shownUrl, made.body);
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const network = NAMES[settings.kind];
    // A failed server of a chat has posted nothing, and could not be asked.
    const serverError = settings.kind === 'ntfy' ? 'unclear' : 'failed';
    const claims = createClaims(context);
    const begun = await once('begun', Date.now, { ifUnknown: 'repeat' });
    const sent = await sendOnce<{ id: string | null }>({
      once,
      log,
      async send() {
        const answer = await request(made.url, jsonInit(made.body, made.headers), { fetch, network, serverError });
        return { id: idOf(answer.body) };
      },
      unclear: wayOf(context, made, begun - CLOCKS_DIFFER_MS, claims),
    });
    if (settings.kind === 'ntfy' && sent?.id) await claims.claim(sent.id);
    return { kind: settings.kind, posted: sent === null ? 'unknown' : true, id: sent?.id ?? null };
  },
});

type Ran = Context<z.output<typeof settings>, Post, (typeof WEBHOOK_SECRETS)[number]>;

function wayOf(
  context: Ran,
  made: WebhookRequest,
  since: number,
  claims: ReturnType<typeof createClaims>,
): Way<{ id: string | null }> {
  const { settings, job } = context;
  // The key goes along: a receiver that knows it takes the second for the first.
  if (settings.kind === 'generic') return { is: 'repeat' };
  if (settings.kind !== 'ntfy') return { is: settings.ifUnknown };
  return {
    is: 'lookUp',
    settle: settings.settle,
    lookUp: async () =>
      claims.find(await messagesOf(context, made, since), {
        text: `${job.input.title ?? ''}\n${ntfyMessage(job.input)}`,
        since,
      }),
  };
}

const message = z.object({
  id: z.string(),
  time: z.number(),
  event: z.string(),
  title: z.string().default(''),
  message: z.string().default(''),
});

/** The messages of the topic that ntfy still holds. */
async function messagesOf({ settings, fetch }: Ran, { headers }: WebhookRequest, since: number): Promise<OwnPost[]> {
  const url = `${settings.url}/json?poll=1&since=${Math.floor(since / 1_000)}`;
  const answer = await request(url, { headers }, { fetch, network: NAMES.ntfy, serverError: 'failed' });
  const lines =
    typeof answer.body === 'string'
      ? answer.body
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : [answer.body];
  return lines.flatMap((line) => {
    const read = message.safeParse(line);
    if (!read.success || read.data.event !== 'message') return [];
    return [{ id: read.data.id, text: `${read.data.title}\n${read.data.message}`, at: read.data.time * 1_000 }];
  });
}

/** The id of the message in the answer, where the network gives one. */
function idOf(body: unknown): string | null {
  const found = z
    .object({
      id: z.union([z.string(), z.number()]).optional(),
      result: z.object({ message_id: z.number() }).optional(),
    })
    .safeParse(body);
  const id = found.data?.id ?? found.data?.result?.message_id;
  return id === undefined ? null : String(id);
}
