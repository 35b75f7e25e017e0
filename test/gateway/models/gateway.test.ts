import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from './running.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.stop());
afterEach(() => {
  for (const server of gateway.servers) server.always(null);
});

const asked = { model: 'auto', messages: [{ role: 'user', content: 'Say something.' }] };
const jsonOf = async (response: Response) => (await response.json()) as Record<string, never>;

test('a call is answered in OpenAI’s form by the first rung, with the key of the provider', async () => {
  const response = await gateway.ask(asked);
  expect(response.status).toBe(200);
  expect(response.headers.get('x-daruma-rung')).toBe('groq');
  expect(response.headers.get('x-daruma-model')).toBe('openai/gpt-oss-120b');
  expect(await jsonOf(response)).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { role: 'assistant', content: 'A good answer in a few words.' }, finish_reason: 'stop' }],
    usage: { money: 0.25 },
  });
  expect(gateway.groq.chats().at(-1)!.headers.authorization).toBe(`Bearer ${gateway.keys.groq}`);
  expect(gateway.ledger.ended.at(-1)).toMatchObject([
    { rung: 'groq', model: 'openai/gpt-oss-120b', verdict: 'good', usage: { promptTokens: expect.any(Number) } },
  ]);
});

test('a stream goes on as it comes, with its usage only where the caller asks for it', async () => {
  for (const isAsked of [false, true]) {
    const options = isAsked ? { stream_options: { include_usage: true } } : {};
    const text = await (await gateway.ask({ ...asked, stream: true, ...options })).text();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(text.includes('"usage":{"prompt_tokens"')).toBe(isAsked);
    if (isAsked) expect(text).toContain('"money":0.25');
    const chunks = text
      .split('\n\n')
      .flatMap((event) => (event.startsWith('data: {') ? JSON.parse(event.slice(6)) : []));
    const said = chunks.map((chunk) => chunk.choices?.[0]?.delta?.content ?? '').join('');
    expect(said).toBe('A good answer in a few words.');
  }
});

test('keys that are none, paths, bodies and models that there are not: errors of OpenAI’s form', async () => {
  const codeOf = async (response: Promise<Response>) => {
    const { status } = await response;
    return [status, ((await jsonOf(await response)) as { error?: { code: string } }).error?.code];
  };
  for (const key of ['', 'dk-x', `dk-${'0'.repeat(32)}.17.1`, gateway.access.key])
    expect(await codeOf(gateway.ask(asked, { key }))).toEqual([401, 'invalid_api_key']);
  expect(await codeOf(gateway.ask(asked, { path: '/responses' }))).toEqual([404, 'unknown_url']);
  expect(await codeOf(gateway.ask({ ...asked, model: 'gpt-9' }))).toEqual([404, 'model_not_found']);
  expect(await codeOf(gateway.ask({ ...asked, messages: 'hello' }))).toEqual([400, 'invalid_messages']);
  expect(await codeOf(gateway.ask({ ...asked, max_tokens: -1 }))).toEqual([400, 'invalid_max_tokens']);
  expect(await codeOf(gateway.ask([] as object))).toEqual([400, 'invalid_json']);
  expect(await codeOf(gateway.ask({ input: 'a text' }, { path: '/embeddings' }))).toEqual([404, 'model_not_found']);
  const long = gateway.ask({ ...asked, padding: 'x'.repeat(9 * 1024 * 1024) });
  expect(
    await long.then(
      ({ status }) => status,
      () => 413,
    ),
  ).toBe(413);
  // A request that was refused has asked nobody, and reserved nothing.
  const { begun } = gateway.ledger;
  await codeOf(gateway.ask({ ...asked, messages: [] }));
  expect(gateway.ledger.begun).toBe(begun);
  gateway.held = new Set(['18.1']);
  expect(await codeOf(gateway.ask(asked))).toEqual([503, 'ATTEMPT_OVER']);
  expect((await gateway.ask(asked, { key: `dk-${gateway.access.key}.18.1` })).status).toBe(200);
  gateway.held = undefined;
});

test('a rung or one of its models may be asked alone', async () => {
  for (const [model, rung, used] of [
    ['cerebras', 'cerebras', 'gpt-oss-120b'],
    ['ollama', 'ollama', 'gpt-oss:20b'],
    ['groq/openai/gpt-oss-20b', 'groq', 'openai/gpt-oss-20b'],
  ]) {
    const { headers, status } = await gateway.ask({ ...asked, model });
    expect([status, headers.get('x-daruma-rung'), headers.get('x-daruma-model')]).toEqual([200, rung, used]);
  }
  const list = await fetch(`${gateway.access.baseURL}/models`, {
    headers: { authorization: `Bearer dk-${gateway.access.key}.17.1` },
  });
  const { data } = (await list.json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['auto', 'groq', 'groq/openai/gpt-oss-20b', 'cerebras/gpt-oss-120b', 'ollama/gpt-oss:20b']),
  );
});
