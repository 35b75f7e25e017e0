import { definePlugin, GiveUp, z } from 'daruma';
import { blueskyRecord, tidOf } from './lib/bluesky.ts';
import { sendOnce } from './lib/never-twice.ts';
import { drySetting, drySummary, post, shownRequest } from './lib/post.ts';
import { jsonInit, request } from './lib/post-request.ts';

const network = 'Bluesky';
const opened = z.object({ did: z.string(), accessJwt: z.string() });
const put = z.object({ uri: z.string(), cid: z.string() });
const refusal = z.object({ error: z.string(), message: z.string().default('') });

/** The session of this worker. Bluesky allows 300 logins a day, and one of them serves for two hours. */
let session: (z.output<typeof opened> & { of: string }) | null = null;

export default definePlugin({
  about: 'Posts to Bluesky, and to other servers of its protocol.',
  settings: z.strictObject({
    server: z
      .url({ protocol: /^https?$/ })
      .default('https://bsky.social')
      .describe('The server of the account.'),
    handle: z.string().min(3).optional().describe('The account, such as shop.bsky.social.'),
    languages: z
      .array(z.string().regex(/^[a-z]{2,3}(-[A-Za-z]{2,4})?$/, 'must be a code such as en'))
      .max(3)
      .default([])
      .describe('Languages of the posts.'),
    dryRun: drySetting(),
  }),
  input: post,
  limits: { memory: '64MB', timeout: '1m', attempts: 8 },
  needs: { net: ['settings.server'], secrets: ['BLUESKY_APP_PASSWORD'] },
  async run({ settings, dryRun, secrets, job, once, log, fetch, summary }) {
    const { handle, server, languages } = settings;
    if (handle === undefined) throw new GiveUp('settings.handle is missing, the account such as shop.bsky.social');
    // Kept, so that the record and its key are the same in each attempt.
    const at = await once('begun', Date.now, { ifUnknown: 'repeat' });
    const record = blueskyRecord(job.input, { at, languages });
    const place = { collection: 'app.bsky.feed.post', rkey: tidOf(job.id, at) };
    const url = (method: string) => new URL(`/xrpc/com.atproto.${method}`, server).href;
    if (dryRun || settings.dryRun) {
      const would = shownRequest('POST', url('repo.putRecord'), { repo: handle, ...place, record });
      summary(drySummary(would));
      return { dryRun: true, would };
    }

    async function logIn() {
      const of = `${server} ${handle}`;
      if (session?.of === of) return session;
      const login = { identifier: handle, password: secrets.BLUESKY_APP_PASSWORD };
      const { body } = await request(url('server.createSession'), jsonInit(login), {
        fetch,
        network,
        serverError: 'failed',
      });
      session = { ...opened.parse(body), of };
      return session;
    }
    async function send() {
      const { did, accessJwt } = await logIn();
      const init = jsonInit({ repo: did, ...place, record }, { authorization: `Bearer ${accessJwt}` });
      const { status, body } = await request(url('repo.putRecord'), init, { fetch, network, also: [400, 401] });
      if (status < 300) return put.parse(body);
      session = null;
      const why = refusal.safeParse(body).data;
      if (status === 401 || why?.error === 'ExpiredToken')
        throw new Error('the session has ended; the next attempt opens another');
      throw new GiveUp(`Bluesky answered ${status}: ${why?.error ?? ''} ${why?.message ?? ''}`);
    }
    // The same record under the same key is the same post, however often it is put.
    const sent = await sendOnce({ once, log, send, unclear: { is: 'repeat' } });
    return { posted: true, uri: sent!.uri, cid: sent!.cid };
  },
});
