import { createHash } from 'node:crypto';
import { definePlugin, GiveUp, z } from 'daruma';
import { sendOnce } from './lib/never-twice.ts';
import { drySetting, drySummary, type Post, plainOf, post } from './lib/post.ts';
import { openSmtp } from './lib/smtp.ts';
import { oneLine } from './lib/text.ts';

const address = z
  .string()
  .regex(/^([^<>\r\n]+<)?[^\s<>@,;]+@[^\s<>@,;]+>?$/, 'must be an address such as ops@shop.example');
/** What mail programs show as important. */
const IMPORTANT = { 'X-Priority': '1 (Highest)', Importance: 'high' };

export default definePlugin({
  about: 'Sends a mail by SMTP.',
  settings: z.strictObject({
    server: z
      .string()
      .regex(/^smtps?:\/\/[^\s/@]+\/?$/, 'must be a URL such as smtp://mail.shop.example:587')
      .default('smtp://localhost:25')
      .describe(
        'The server: smtp:// (TLS where it offers that) or smtps:// (TLS from the start). No user and no password in it.',
      ),
    user: z.string().min(1).optional().describe('Who logs in, with the secret SMTP_PASSWORD. Default: nobody does.'),
    from: address.default('daruma@localhost').describe('The sender.'),
    to: z.array(address).min(1).max(50).default(['root@localhost']).describe('Those who get it.'),
    requireTls: z
      .boolean()
      .optional()
      .describe('true: without TLS nothing is sent. Default: true where somebody logs in.'),
    ifUnknown: z
      .enum(['repeat', 'skip'])
      .default('repeat')
      .describe(
        'What to do when a server fell silent over a mail. A repeated mail has the same Message-ID, by which many servers know it.',
      ),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '96MB', timeout: '2m', attempts: 8 },
  needs: { net: ['settings.server'], secrets: ['SMTP_PASSWORD'] },
  async run({ settings, dryRun, secrets, job, once, log, signal, summary }) {
    const date = new Date(await once('begun', Date.now, { ifUnknown: 'repeat' }));
    const mail = await composed(job.input, { ...settings, job: job.id, date });
    if (dryRun || settings.dryRun) {
      const would = { server: settings.server, from: settings.from, to: settings.to, content: mail.content.toString() };
      summary(drySummary(would));
      return { dryRun: true, would };
    }
    const { user } = settings;
    if (user !== undefined && !('SMTP_PASSWORD' in secrets))
      throw new GiveUp('settings.user wants the secret SMTP_PASSWORD in needs.secrets');
    const login = user === undefined ? null : { user, password: secrets.SMTP_PASSWORD };
    const requireTls = settings.requireTls ?? login !== null;
    // The session comes before the effect, so that an attempt that is cut off while it connects leaves nothing unclear.
    const session = await openSmtp({ url: settings.server, login, requireTls, signal });
    const send = () => session.send(mail);
    const answer = await sendOnce({ once, log, send, unclear: { is: settings.ifUnknown } }).finally(session.close);
    return { to: settings.to, messageId: mail.id, posted: answer === null ? 'unknown' : true, answer };
  },
});

interface Envelope {
  from: string;
  to: string[];
  job: string;
  date: Date;
}

/** The mail as it goes out. The job names it, so that a repeated one is the same to everybody who looks at Message-ID. */
async function composed(given: Post, { from, to, job, date }: Envelope) {
  const { default: MailComposer } = await import('nodemailer/lib/mail-composer');
  const id = `<${createHash('sha256').update(job).digest('hex').slice(0, 32)}@daruma.${domainOf(from)}>`;
  const body = [given.markdown ?? given.text, given.image, given.url].filter(Boolean).join('\n\n');
  const level = given.level ?? 'info';
  const content = await new MailComposer({
    from,
    to,
    subject: oneLine(given.title ?? plainOf(given)).slice(0, 200),
    text: `${body}\n`,
    date,
    messageId: id,
    // Answering machines leave such a mail unanswered.
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Daruma-Level': level,
      ...(level === 'critical' && IMPORTANT),
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build();
  return { id, content, from: bareOf(from), to: to.map(bareOf) };
}

const bareOf = (text: string) => /<([^>]+)>/.exec(text)?.[1] ?? text;
const domainOf = (text: string) => bareOf(text).split('@')[1]!;
