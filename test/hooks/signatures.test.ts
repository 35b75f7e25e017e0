import { describe, expect, it } from 'vitest';
import { readDelivery } from '../../src/host/hooks/parse.ts';
import { checkSignature } from '../../src/host/hooks/signatures.ts';
import type { Fault } from '../../src/kernel/fault.ts';
import { opened, signed } from './signed.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const bytes = (text: string) => Buffer.from(text);

describe('a signature', () => {
  it('is what the senders’ own documentation computes', () => {
    const github = { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' };
    const hello = { headers: github, body: bytes('Hello, World!') };
    expect(checkSignature('github', ["It's a Secret to Everybody"], hello, NOW)).toBeUndefined();
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const slack = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    const command = { headers: slack, body: bytes(body) };
    expect(checkSignature('slack', ['8f742231b10e8888abcd99yyyzzz85a5'], command, 1_531_420_618_000)).toBeUndefined();
  });

  it.each([
    ['github', (secret: string) => signed.github(secret, 'x', 'd-1')],
    ['stripe', (secret: string) => signed.stripe(secret, 'x', NOW)],
    ['slack', (secret: string) => signed.slack(secret, 'x', undefined, NOW)],
    ['bearer', (secret: string) => signed.bearer(secret)],
  ] as const)('of %s is right with one of two secrets, and with no other', (form, headersFor) => {
    const check = (secrets: string[], headers: object, body = 'x', now = NOW) =>
      checkSignature(form, secrets, { headers, body: bytes(body) }, now);
    expect(check(['new', 'old'], headersFor('old'))).toBeUndefined();
    expect(check(['new', 'old'], headersFor('new'))).toBeUndefined();
    expect(check(['new'], headersFor('old'))).toBe('signature wrong');
    expect(check(['new'], {})).toBe('signature missing');
    expect(check([], headersFor('new'))).toBe('signature wrong');
    if (form === 'bearer') return;
    expect(check(['new'], headersFor('new'), 'y')).toBe('signature wrong');
    const own = { github: 'x-hub-signature-256', stripe: 'stripe-signature', slack: 'x-slack-signature' }[form];
    for (const text of ['', '=', 'sha256=', 'v0=', 't=1,v1=', 't=,v1=0', 't=NaN,v1=00', '\0', 'v1=v1=v1='])
      expect(check(['new'], { ...headersFor('new'), [own]: text }), text).toMatch(/missing|wrong/);
  });

  it.each(['stripe', 'slack'] as const)('of %s is too old, or too new, after five minutes', (form) => {
    const headers = form === 'stripe' ? signed.stripe('s', 'x', NOW) : signed.slack('s', 'x', undefined, NOW);
    const check = (now: number) => checkSignature(form, ['s'], { headers, body: bytes('x') }, now);
    expect(check(NOW + 300_000)).toBeUndefined();
    expect([check(NOW + 301_000), check(NOW - 301_000)]).toEqual(['signature too old', 'signature too old']);
    const undated = form === 'stripe' ? { 'stripe-signature': 'v1=0' } : { 'x-slack-signature': 'v0=0' };
    expect(checkSignature(form, ['s'], { headers: undated, body: bytes('x') }, NOW)).toBe('signature wrong');
  });

  it('of Stripe may be among several', () => {
    const { 'stripe-signature': text } = signed.stripe('s', 'x', NOW);
    const headers = { 'stripe-signature': text.replace(',v1=', ',v1=00,v1=') };
    expect(checkSignature('stripe', ['s'], { headers, body: bytes('x') }, NOW)).toBeUndefined();
  });
});

describe('a delivery', () => {
  const read = (form: 'github' | 'stripe' | 'slack' | 'bearer', headers: object, body: string | Buffer, key?: string) =>
    readDelivery({ form, headers, body: Buffer.from(body), key });
  const codeOf = (call: () => unknown) => {
    try {
      call();
    } catch (thrown) {
      return (thrown as Fault).code;
    }
  };

  it('is event, id and body, wherever its sender says them', () => {
    const github = read('github', signed.github('s', '', 'd-1'), opened(7));
    expect(github).toEqual({ input: { event: 'issues', delivery: 'd-1', body: JSON.parse(opened(7)) }, key: 'd-1' });
    expect(read('stripe', {}, '{"id":"evt_1","type":"charge.failed"}')).toMatchObject({
      input: { event: 'charge.failed', delivery: 'evt_1' },
      key: 'evt_1',
    });
    const mention = '{"type":"event_callback","event_id":"Ev1","event":{"type":"app_mention"}}';
    expect(read('slack', {}, mention)).toMatchObject({ input: { event: 'app_mention' }, key: 'Ev1' });
    expect(read('bearer', { 'idempotency-key': 'k' }, '[1]')).toMatchObject({
      input: { event: null, body: [1] },
      key: 'k',
    });
    expect(read('bearer', {}, 'null')).toEqual({ input: { event: null, delivery: null, body: null }, key: null });
  });

  it('of a form is the JSON of its payload, or its fields', () => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(
      read('github', { ...type, 'x-github-delivery': 'd' }, `payload=${encodeURIComponent(opened(1))}`).input.body,
    ).toEqual(JSON.parse(opened(1)));
    const command = read('slack', type, 'command=%2Fdeploy&text=now+please&trigger_id=1.2&__proto__=x&a=1&a=2');
    expect(command).toMatchObject({
      input: { event: 'slash_command', body: { text: 'now please', a: ['1', '2'] } },
      key: '1.2',
    });
    expect(({} as { x?: string }).x).toBeUndefined();
  });

  it('that only asks whether somebody is there is answered', () => {
    expect(read('github', { 'x-github-event': 'ping' }, '{"zen":"x"}', 'no.such').reply).toEqual({ pong: true });
    expect(read('slack', {}, '{"type":"url_verification","challenge":"3eZ"}').reply).toEqual({ challenge: '3eZ' });
    expect(read('bearer', {}, '{"type":"url_verification"}').reply).toBeUndefined();
  });

  it('has the id that its body has at a path, where the plugin says so', () => {
    expect(read('bearer', {}, '{"order":{"id":17}}', 'order.id').key).toBe('17');
    expect(read('bearer', { 'idempotency-key': 'k' }, `{"id":"${'x'.repeat(300)}"}`, 'id').key).toMatch(
      /^[0-9a-f]{64}$/,
    );
    for (const path of ['id', 'order', 'order.id.x', 'constructor.name', '__proto__.x'])
      expect(
        codeOf(() => read('bearer', {}, '{"order":{"id":""}}', path)),
        path,
      ).toBe('HOOK_KEY');
  });

  it.each([
    ['HOOK_TYPE', 'text/plain', '{}'],
    ['HOOK_TYPE', 'multipart/form-data; boundary=x', '{}'],
    ['HOOK_BODY', 'application/json', '{'],
    ['HOOK_BODY', 'application/json', ''],
    ['HOOK_BODY', 'application/json', Buffer.from([0xff, 0xfe])],
    ['HOOK_BODY', 'application/json', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['HOOK_BODY', 'application/x-www-form-urlencoded', 'payload=x'],
  ])('is refused with %s as %s', (code, type, body) => {
    expect(codeOf(() => read('bearer', { 'content-type': type }, body))).toBe(code);
  });
});
