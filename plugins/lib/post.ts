import { z } from 'daruma';

const address = () => z.url({ protocol: /^https?$/, error: 'must be a URL with http or https' });

/** The input of every channel: what other agents send to have it posted. */
export const post = z.strictObject({
  title: z.string().min(1).max(300).optional().describe('One line: the subject of a mail, the heading of a post.'),
  text: z.string().min(1).describe('Plain text. Channels shorten it to what their network takes.'),
  markdown: z.string().min(1).optional().describe('The longer form, for channels that have room for it.'),
  url: address().optional().describe('Where to read on.'),
  image: address().optional().describe('A picture, by its address.'),
  level: z
    .enum(['info', 'warning', 'critical', 'recovery'])
    .optional()
    .describe('How much it matters. Chats show a sign for it, ntfy and mail a priority.'),
});

export type Post = z.output<typeof post>;
type Level = NonNullable<Post['level']>;

const SIGNS: Record<Level, string> = { info: '', warning: '⚠️ ', critical: '🔴 ', recovery: '✅ ' };

/** Title and text as one plain text; the title is left out where the text begins with it. */
export function plainOf({ title, text }: Post): string {
  return title === undefined || text.startsWith(title) ? text.trim() : `${title}\n\n${text}`.trim();
}

/** {@link plainOf} behind the sign of its level, for chats. */
export function signedOf(given: Post): string {
  return `${SIGNS[given.level ?? 'info']}${plainOf(given)}`;
}

/** A setting that every channel has. */
export const drySetting = () =>
  z.boolean().default(false).describe('true: nothing is sent; the result and the summary show what would be.');

/** A request as a dry run shows it. Headers stay out, since they hold keys. */
export function shownRequest(method: string, url: string, body: unknown) {
  return { method, url, body };
}

/** Markdown of a dry run, for the job's summary. */
export function drySummary(what: unknown): string {
  return `Nothing was sent. This would be:\n\n\`\`\`json\n${JSON.stringify(what, null, 2)}\n\`\`\``;
}
