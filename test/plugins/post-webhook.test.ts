import { GiveUp, RetryLater } from 'daruma';
import { describe, expect, it } from 'vitest';
import postWebhook from '../../plugins/post-webhook.ts';
import { runPlugin, type World } from './context.ts';
import { jsonOf, network, type Reply } from './network.ts';

const input = {
  title: 'Shop down',
  text: 'Shop down: @everyone <b> since 09:00',
  url: 'https://a.example/1',
  level: 'critical',
};

/** One kind against a server that answers as it documents. */
async function posts(kind: string, answer: (count: number) => Reply = () => ({}), world: World = {}) {
  const server = await network((_, count) => answer(count));
  const secrets = {
    SLACK_WEBHOOK_URL: `${server.url}/services/T0`,
    DISCORD_WEBHOOK_URL: `${server.url}/api/webhooks/1/t`,
    TELEGRAM_TOKEN: '12:ab',
  };
  const settings = {
    kind,
    url: kind === 'ntfy' ? `${server.url}/alarms` : server.url,
    chat: '-100',
    ...(world.settings as object),
  };
  const run = () => runPlugin(postWebhook, { input, secrets, ...world, settings });
  return { run, seen: server.seen };
}

describe('each kind gets the form that it documents', () => {
  it('generic: the post as JSON, with the job as its key', async () => {
    const { run, seen } = await posts('generic', undefined, { secrets: { WEBHOOK_TOKEN: 'sesame' } });
    expect((await run()).result).toEqual({ kind: 'generic', posted: true, id: null });
    expect(seen[0]!.headers).toMatchObject({ 'idempotency-key': 'job-1', authorization: 'Bearer sesame' });
    expect(jsonOf(seen[0])).toEqual({ ...input, agent: 'tested', job: 'job-1' });
  });

  it('Slack: text, in which nothing is a command', async () => {
    const { run, seen } = await posts('slack', () => ({ body: 'ok' }));
    await run();
    expect(seen[0]!.path).toBe('/services/T0');
    expect(jsonOf(seen[0])).toEqual({ text: '🔴 Shop down: @everyone &lt;b&gt; since 09:00\n\nhttps://a.example/1' });
  });

  it('Discord: at most 2,000 units, and nobody is called', async () => {
    const long = { text: 'word '.repeat(900), url: input.url };
    const { run, seen } = await posts('discord', () => ({ body: { id: '77' } }), { input: long });
    expect((await run()).result).toMatchObject({ posted: true, id: '77' });
    expect(seen[0]!.path).toBe('/api/webhooks/1/t?wait=true');
    const { content, allowed_mentions: allowed } = jsonOf(seen[0]);
    expect(content.length).toBeLessThanOrEqual(2_000);
    expect(content).toMatch(/word…\n\nhttps:\/\/a\.example\/1$/);
    expect(allowed).toEqual({ parse: [] });
  });

  it('Telegram: a message to the chat', async () => {
    const { run, seen } = await posts('telegram', () => ({ body: { ok: true, result: { message_id: 5 } } }));
    expect((await run()).result).toMatchObject({ id: '5' });
    expect(seen[0]!.path).toBe('/bot12:ab/sendMessage');
    expect(jsonOf(seen[0])).toMatchObject({ chat_id: '-100', text: expect.stringContaining('Shop down') });
  });

  it('ntfy: a message with priority, to the topic of the address', async () => {
    const { run, seen } = await posts('ntfy', () => ({ body: { id: 'm1' } }));
    await run();
    expect(jsonOf(seen[0])).toMatchObject({ topic: 'alarms', title: 'Shop down', priority: 5, click: input.url });
  });
});

describe('never twice', () => {
  it('a chat that fell silent is not asked again, and the result says so', async () => {
    const { run, seen } = await posts('slack', () => 'drop', { effects: new Map() });
    expect(await run()).toMatchObject({
      result: { posted: 'unknown' },
      warnings: [expect.stringContaining('not known')],
    });
    expect((await run()).result).toMatchObject({ posted: 'unknown' });
    expect(seen).toHaveLength(1);
  });

  it('a chat whose server failed has posted nothing, and is tried again', async () => {
    const { run, seen } = await posts('discord', (count) => (count === 1 ? { status: 502 } : {}), {
      effects: new Map(),
    });
    await expect(run()).rejects.toThrow('Discord answered 502');
    expect((await run()).result).toMatchObject({ posted: true });
    expect(seen).toHaveLength(2);
  });

  it('ntfy is looked up: what it holds is not sent again', async () => {
    const held = {
      id: 'm7',
      time: Math.floor(Date.now() / 1_000),
      event: 'message',
      title: 'Shop down',
      message: input.text,
    };
    const lines = `${JSON.stringify({ ...held, id: 'other', message: 'x' })}\n${JSON.stringify(held)}\n`;
    const world = { effects: new Map(), states: new Map(), settings: { settle: '0s' } };
    const { run, seen } = await posts('ntfy', (count) => (count === 1 ? 'drop' : { body: lines }), world);
    await expect(run()).rejects.toThrow('not known whether it was posted');
    expect((await run()).result).toEqual({ kind: 'ntfy', posted: true, id: 'm7' });
    expect(seen.map(({ method, path }) => `${method} ${path.replace(/\d+$/, '')}`)).toEqual([
      'POST /',
      'GET /alarms/json?poll=1&since=',
    ]);
  });
});

describe('what a network refuses', () => {
  it('429 waits for as long as it says', async () => {
    const { run } = await posts('slack', () => ({ status: 429, headers: { 'retry-after': '30' } }));
    await expect(run()).rejects.toMatchObject({ name: 'RetryLater', after: '30s' });
    await expect(run()).rejects.toThrow(RetryLater);
  });

  it.each([400, 401, 402, 403, 404, 410])('%i gives up at once', async (status) => {
    const { run } = await posts('discord', () => ({ status }));
    await expect(run()).rejects.toThrow(GiveUp);
  });

  it('a missing secret or setting is named', async () => {
    const { run, seen } = await posts('telegram', undefined, { secrets: {} });
    await expect(run()).rejects.toThrow('kind telegram wants the secret TELEGRAM_TOKEN in needs.secrets');
    await expect(runPlugin(postWebhook, { input })).rejects.toThrow('wants settings.url');
    expect(seen).toEqual([]);
  });
});

it('a dry run shows what would be sent, without secrets, and sends nothing', async () => {
  const { run, seen } = await posts('telegram', undefined, { settings: { dryRun: true } });
  const { result, summary } = await run();
  expect(result).toMatchObject({ dryRun: true, would: { method: 'POST', body: { chat_id: '-100' } } });
  expect(summary).toContain('Nothing was sent');
  expect(JSON.stringify(result)).not.toContain('12:ab');
  expect(seen).toEqual([]);
});
