import { GiveUp } from 'daruma';
import { describe, expect, it } from 'vitest';
import postEmail from '../../plugins/post-email.ts';
import { runPlugin } from './context.ts';
import { mailServer } from './mail-server.ts';

const input = {
  title: 'Bäckup failed',
  text: 'short',
  markdown: '- long\n.dot',
  url: 'https://a.example/1',
  level: 'critical',
};
const settings = { from: 'Daruma <ops@shop.example>', to: ['you@shop.example', 'me@shop.example'] };

describe('a mail', () => {
  it('arrives with subject, longer text, link and a Message-ID of its job', async () => {
    const { taken, url } = await mailServer();
    const { result } = await runPlugin(postEmail, { input, settings: { ...settings, server: url } });
    expect(result).toMatchObject({ posted: true, answer: '250 kept as 1' });
    expect(taken).toMatchObject([{ from: 'ops@shop.example', to: ['you@shop.example', 'me@shop.example'] }]);
    const { text } = taken[0]!;
    expect(text).toContain('Subject: =?UTF-8?Q?B=C3=A4ckup_failed?=\r\n');
    expect(text).toContain('Auto-Submitted: auto-generated\r\n');
    expect(text).toContain('X-Priority: 1 (Highest)\r\n');
    expect(text).toContain(`Message-ID: ${result.messageId}\r\n`);
    expect(text).toMatch(/\r\n\r\n- long\r\n\.dot\r\n\r\nhttps:\/\/a\.example\/1\r\n$/);
  });

  it('is the same mail when it has to be sent again', async () => {
    const { taken, url } = await mailServer();
    const effects = new Map();
    const run = () => runPlugin(postEmail, { input, effects, settings: { ...settings, server: url } });
    await run();
    expect((await run()).result.answer).toBe('250 kept as 1');
    expect(taken).toHaveLength(1);
    effects.set('send:1', 'begun');
    expect((await run()).result.answer).toBe('250 kept as 2');
    expect(taken[1]!.text).toBe(taken[0]!.text);
  });

  it('is left where the agent says skip, and the result says so', async () => {
    const { taken, url } = await mailServer();
    const effects = new Map([['send:1', 'begun' as const]]);
    const world = { input, effects, settings: { ...settings, server: url, ifUnknown: 'skip' } };
    expect((await runPlugin(postEmail, world)).result).toMatchObject({ posted: 'unknown' });
    expect(taken).toEqual([]);
  });
});

describe('a server', () => {
  const login = { ...settings, user: 'ops', requireTls: false };

  it('is logged in to, by TLS where it offers that', async () => {
    const { taken, url } = await mailServer();
    await runPlugin(postEmail, { input, secrets: { SMTP_PASSWORD: 'sesame-7' }, settings: { ...login, server: url } });
    expect(taken).toMatchObject([{ user: 'ops' }]);
  });

  it('gets no password without TLS, unless the agent says so', async () => {
    const { taken, url } = await mailServer();
    const world = {
      input,
      secrets: { SMTP_PASSWORD: 'sesame-7' },
      settings: { ...settings, user: 'ops', server: url },
    };
    await expect(runPlugin(postEmail, world)).rejects.toThrow(/STARTTLS/i);
    expect(taken).toEqual([]);
  });

  it('that refuses for good ends the job: a wrong password, an unknown address', async () => {
    const refusing = await mailServer({
      onRcptTo: (_, __, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    const wrong = { input, secrets: { SMTP_PASSWORD: 'guess' }, settings: { ...login, server: refusing.url } };
    await expect(runPlugin(postEmail, wrong)).rejects.toThrow(GiveUp);
    const unknown = { input, settings: { ...settings, server: refusing.url } };
    await expect(runPlugin(postEmail, unknown)).rejects.toThrow(GiveUp);
  });

  it('that refuses for now, or is not there, is asked again', async () => {
    const busy = await mailServer({
      onMailFrom: (_, __, done) => done(Object.assign(new Error('come back later'), { responseCode: 451 })),
    });
    for (const server of [busy.url, 'smtp://127.0.0.1:1']) {
      const run = runPlugin(postEmail, { input, settings: { ...settings, server } });
      await expect(run).rejects.not.toThrow(GiveUp);
    }
  });
});

it('a dry run shows the whole mail and opens no connection', async () => {
  const { result } = await runPlugin(postEmail, {
    input,
    settings: { ...settings, server: 'smtp://127.0.0.1:1', dryRun: true },
  });
  expect(result).toMatchObject({
    dryRun: true,
    would: { to: settings.to, content: expect.stringContaining('- long') },
  });
});
