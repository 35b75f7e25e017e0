import type { Context } from 'daruma';
import { type Post, plainOf, signedOf } from './post.ts';
import { bytes, shorten, shortenBefore, units } from './shorten.ts';

export const KINDS = ['generic', 'slack', 'discord', 'telegram', 'ntfy'] as const;
export type Kind = (typeof KINDS)[number];

export const WEBHOOK_SECRETS = [
  'WEBHOOK_TOKEN',
  'SLACK_WEBHOOK_URL',
  'DISCORD_WEBHOOK_URL',
  'TELEGRAM_TOKEN',
  'NTFY_TOKEN',
] as const;
type Secrets = Partial<Record<(typeof WEBHOOK_SECRETS)[number], string>>;

/** The secrets that the agent has: to read one that its file leaves out is an error. */
export function secretsAtHand(secrets: Secrets): Secrets {
  return Object.fromEntries(WEBHOOK_SECRETS.flatMap((name) => (name in secrets ? [[name, secrets[name]!]] : [])));
}

/** The request that a kind makes of a post. `shownUrl` holds no secret. */
export interface WebhookRequest {
  url: string;
  shownUrl: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

interface Terms {
  kind: Kind;
  url: string | undefined;
  chat: string | undefined;
  secrets: Secrets;
  job: Context['job'];
  agent: string;
}

const SLACK_MOST = 4_000;
const DISCORD_MOST = 2_000;
const TELEGRAM_MOST = 4_096;
const NTFY_MOST_BYTES = 4_096;
const NTFY_PRIORITY = { info: 3, recovery: 3, warning: 4, critical: 5 };
const NTFY_TAGS = { info: [], recovery: ['white_check_mark'], warning: ['warning'], critical: ['rotating_light'] };

/** What is missing for a kind, in words; null when nothing is. */
export function lackOf({ kind, url, chat, secrets }: Omit<Terms, 'job' | 'agent'>): string | null {
  const lacks: Record<Kind, string | false> = {
    generic: url === undefined && 'settings.url, the address that is posted to',
    slack: !secrets.SLACK_WEBHOOK_URL && 'the secret SLACK_WEBHOOK_URL in needs.secrets',
    discord: !secrets.DISCORD_WEBHOOK_URL && 'the secret DISCORD_WEBHOOK_URL in needs.secrets',
    telegram: !secrets.TELEGRAM_TOKEN
      ? 'the secret TELEGRAM_TOKEN in needs.secrets'
      : chat === undefined && 'settings.chat, the id of the chat',
    ntfy: url === undefined && 'settings.url, the address of the topic',
  };
  const lack = lacks[kind];
  return lack === false ? null : `kind ${kind} wants ${lack}`;
}

/** The one request that posts it; {@link lackOf} says before whether it can be made. */
export function webhookRequest(given: Post, terms: Terms): WebhookRequest {
  return MAKERS[terms.kind](given, terms);
}

const MAKERS: Record<Kind, (given: Post, terms: Terms) => WebhookRequest> = {
  generic(given, { url, secrets, job, agent }) {
    const token = secrets.WEBHOOK_TOKEN;
    return {
      url: url!,
      shownUrl: url!,
      headers: { 'idempotency-key': job.id, ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: { ...given, agent, job: job.id },
    };
  },
  slack(given, { secrets }) {
    const text = escapeSlack(shortenBefore(signedOf(given), given.url, { max: SLACK_MOST, measure: slackLength }));
    const picture = given.image && {
      blocks: [
        { type: 'section', text: { type: 'mrkdwn', text: shorten(text, 3_000, units) } },
        { type: 'image', image_url: given.image, alt_text: given.title ?? 'picture' },
      ],
    };
    return { ...hidden(secrets.SLACK_WEBHOOK_URL!), headers: {}, body: { text, ...picture } };
  },
  discord(given, { secrets }) {
    const content = shortenBefore(signedOf(given), given.url, { max: DISCORD_MOST, measure: units });
    // A log line with @everyone calls nobody.
    const body = {
      content,
      allowed_mentions: { parse: [] },
      ...(given.image && { embeds: [{ image: { url: given.image } }] }),
    };
    const url = new URL(secrets.DISCORD_WEBHOOK_URL!);
    // Discord answers with the message once it is kept, not before.
    url.searchParams.set('wait', 'true');
    return { ...hidden(url.href), headers: {}, body };
  },
  telegram(given, { url = 'https://api.telegram.org', chat, secrets }) {
    const room = { max: TELEGRAM_MOST, measure: units };
    const body = {
      chat_id: chat,
      text: shortenBefore(signedOf(given), given.url, room),
      link_preview_options: given.image ? { url: given.image, show_above_text: true } : { is_disabled: true },
    };
    return {
      url: new URL(`/bot${secrets.TELEGRAM_TOKEN}/sendMessage`, url).href,
      shownUrl: new URL('/bot…/sendMessage', url).href,
      headers: {},
      body,
    };
  },
  ntfy(given, { url, secrets, job }) {
    const topic = new URL(url!);
    const level = given.level ?? 'info';
    const root = new URL('.', topic).href;
    const body = {
      topic: topic.pathname.split('/').at(-1),
      // ntfy 2.16 and later replaces a message that has the same one; older servers leave it unread.
      sequence_id: job.id.replace(/[^\w-]/g, '_').slice(-64),
      ...(given.title && { title: given.title }),
      message: ntfyMessage(given),
      priority: NTFY_PRIORITY[level],
      tags: NTFY_TAGS[level],
      ...(given.url && { click: given.url }),
      ...(given.image && { attach: given.image }),
    };
    const headers: Record<string, string> = secrets.NTFY_TOKEN ? { authorization: `Bearer ${secrets.NTFY_TOKEN}` } : {};
    return { url: root, shownUrl: root, headers, body };
  },
};

/** The text of an ntfy message: the title stands beside it. */
export function ntfyMessage(given: Post): string {
  return shorten((given.title === undefined ? plainOf(given) : given.text).trim(), NTFY_MOST_BYTES, bytes);
}

function hidden(url: string): Pick<WebhookRequest, 'url' | 'shownUrl'> {
  return { url, shownUrl: `${new URL(url).origin}/…` };
}

const escapeSlack = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const slackLength = (text: string) => escapeSlack(text).length;
