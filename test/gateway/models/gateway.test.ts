import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { authoritiesOfNode } from '../../../src/fence/authorities.ts';
import { readStat } from '../../../src/kernel/proc.ts';
import { type RunningGateway, startGateway } from './running.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway?.stop());
afterEach(() => {
  gateway.held = undefined;
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

test('a provider is found by its name, behind the fence', async () => {
  const named = await startGateway({
    rungs: ([groq]) => [{ ...groq!, url: groq!.url.replace('127.0.0.1', 'localhost') }],
  });
  try {
    const { status, headers } = await named.ask(asked);
    expect([status, headers.get('x-daruma-rung')]).toEqual([200, 'groq']);
  } finally {
    await named.stop();
  }
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
  expect(await codeOf(gateway.ask({ model: 'groq', input: 'a text' }, { path: '/embeddings' }))).toEqual([
    404,
    'model_not_found',
  ]);
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
  expect(await codeOf(gateway.ask(asked))).toEqual([401, 'ATTEMPT_OVER']);
  expect((await gateway.ask(asked, { key: `dk-${gateway.access.key}.18.1` })).status).toBe(200);
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

test('a rung that fails before the first token is left for the next, and what the failure means is told the host', async () => {
  for (const [fault, verdict] of [
    ['500', 'next'],
    ['html', 'next'],
    ['empty', 'unusable'],
    ['cut first', 'next'],
    ['reset', 'next'],
  ] as const) {
    gateway.groq.next(fault);
    const response = await gateway.ask({ ...asked, stream: fault === 'cut first' });
    expect([fault, response.status, response.headers.get('x-daruma-rung')]).toEqual([fault, 200, 'cerebras']);
    await response.text();
    expect(gateway.ledger.ended.at(-1)).toMatchObject([
      { rung: 'groq', verdict },
      { rung: 'cerebras', verdict: 'good' },
    ]);
  }
  // The caller's fault stops the walk.
  const before = gateway.cerebras.totals.chats;
  gateway.groq.next('400 context');
  expect((await gateway.ask(asked)).status).toBe(400);
  expect(gateway.cerebras.totals.chats).toBe(before);
});

test('an answer of no use to its caller: the same question begins at the next rung', async () => {
  const id = (await gateway.ask(asked)).headers.get('x-daruma-call')!;
  const again = await gateway.ask(asked, { headers: { 'x-daruma-after': id } });
  expect(again.headers.get('x-daruma-rung')).toBe('cerebras');
  await gateway.until(() => gateway.models.counters.view().some(({ verdicts }) => verdicts.unfit === 1));
  // Nobody is behind the last rung, and the chain is not down for that.
  const { begun } = gateway.ledger;
  const last = (await gateway.ask({ ...asked, model: 'ollama' })).headers.get('x-daruma-call')!;
  const none = await gateway.ask({ ...asked, model: 'ollama' }, { headers: { 'x-daruma-after': last } });
  expect(none.status).toBe(502);
  expect(await jsonOf(none)).toMatchObject({ error: { code: 'ANSWER_UNUSABLE' } });
  expect(gateway.ledger.begun).toBe(begun + 1);
  expect(gateway.refused).toEqual([]);
});

test('embeddings come in OpenAI’s form from the rungs that have them, settled by their tokens', async () => {
  const ask = (input: unknown, model = 'auto') => gateway.ask({ model, input }, { path: '/embeddings' });
  const given = {
    object: 'list',
    data: [
      { object: 'embedding', index: 0, embedding: [6, 0.5, -0.5] },
      { object: 'embedding', index: 1, embedding: [7, 0.5, -0.5] },
    ],
    usage: { prompt_tokens: 4, total_tokens: 4, money: 0.25 },
  };
  for (const [rung, model] of [
    ['cerebras', 'text-embedding-1'],
    ['ollama', 'nomic-embed-text'],
  ] as const) {
    const response = await ask(['a text', 'another'], rung === 'cerebras' ? 'auto' : rung);
    expect([response.status, response.headers.get('x-daruma-rung')]).toEqual([200, rung]);
    expect(await jsonOf(response)).toMatchObject({ ...given, model });
    const usage = { promptTokens: 4, completionTokens: 0 };
    expect(gateway.ledger.ended.at(-1)).toMatchObject([{ rung, model, usage, verdict: 'good' }]);
  }
  for (const fault of ['500', '429 seconds', '402'] as const) {
    gateway.cerebras.nextEmbeddings(fault);
    const response = await ask('a text');
    expect([response.status, response.headers.get('x-daruma-rung')]).toEqual([200, 'ollama']);
    await response.text();
  }
  gateway.models.keysChanged();
  gateway.ollama.nextEmbeddings('400 context');
  expect((await ask('a text', 'ollama')).status).toBe(400);
  for (const input of [[], '', [1], Array(2_049).fill('x')]) expect((await ask(input)).status).toBe(400);
});

test('a stream that breaks off after its first token ends with an error and without [DONE]', async () => {
  gateway.groq.next('cut late');
  const text = await (await gateway.ask({ ...asked, stream: true })).text();
  expect(text).toMatch(/data: \{"error":\{"message":"[^"]+","type":"server_error","code":"STREAM_CUT"/);
  expect(text).not.toContain('[DONE]');
});

test('a client that goes away, and an attempt that ended, close the call upstream', async () => {
  for (const leave of ['client', 'attempt'] as const) {
    const { chats } = gateway.groq.totals;
    gateway.groq.next('hang');
    const controller = new AbortController();
    const response = gateway.ask(asked, { signal: controller.signal }).catch(() => undefined);
    const call = await gateway.groq.whenAsked(chats + 1);
    if (leave === 'client') controller.abort();
    else gateway.models.ended([{ job: '17', attempt: 1 }]);
    expect((await call.closed).by).toBe('client');
    await response;
    await gateway.until(() => JSON.stringify(gateway.ledger.ended.at(-1)).includes('"gone"'));
  }
});

test('a pause that a provider asks for is kept and shown, and is no failure of its server', async () => {
  gateway.groq.next('429 seconds');
  expect((await gateway.ask(asked)).headers.get('x-daruma-rung')).toBe('cerebras');
  await gateway.until(() => gateway.models.chain()[0]!.state === 'cooling');
  expect(gateway.models.chain()[0]).toMatchObject({ until: expect.any(Number), why: expect.stringContaining('429') });
  // The other model of the rung is asked meanwhile.
  expect((await gateway.ask(asked)).headers.get('x-daruma-model')).toBe('openai/gpt-oss-20b');
  expect((await gateway.ask({ ...asked, model: 'groq/openai/gpt-oss-120b' })).status).toBe(503);
});

test('a rung without credit is closed and told once; a new key opens it', async () => {
  gateway.groq.next('402');
  expect((await gateway.ask(asked)).headers.get('x-daruma-rung')).toBe('cerebras');
  const closed = () => gateway.events.filter((event) => event.startsWith('models.closed: groq'));
  await gateway.until(() => closed().length === 1);
  expect((await gateway.ask(asked)).headers.get('x-daruma-rung')).toBe('cerebras');
  expect(gateway.models.chain()[0]!.state).toBe('closed');
  gateway.keys.groq = 'gsk-canary-another';
  gateway.models.keysChanged();
  await gateway.until(() => gateway.models.chain()[0]!.state === 'ready');
  expect((await gateway.ask(asked)).headers.get('x-daruma-rung')).toBe('groq');
  expect(gateway.groq.chats().at(-1)!.headers.authorization).toBe('Bearer gsk-canary-another');
  expect(closed()).toHaveLength(1);
});

test('no rung answers: 503 with the time to come back, and the host hears of it', async () => {
  for (const server of gateway.servers) server.always('500');
  const response = await gateway.ask(asked);
  expect([response.status, response.headers.get('x-should-retry')]).toEqual([503, 'false']);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await jsonOf(response)).error).toMatchObject({ code: 'MODELS_DOWN', until: expect.any(String) });
  await gateway.until(() => gateway.refused.length > 0);
  expect(gateway.refused.at(-1)).toMatchObject({ job: '17', fault: { code: 'MODELS_DOWN' } });
});

test('a rung is proven by small calls: plain, with a tool, with JSON', async () => {
  const kinds = ['plain', 'tool', 'json'] as const;
  for (const rung of ['cerebras', 'ollama'])
    for (const kind of kinds) expect(await gateway.models.check(rung, kind)).toMatchObject({ ok: true, why: null });
  gateway.cerebras.next('empty');
  expect(await gateway.models.check('cerebras', 'plain')).toMatchObject({
    ok: false,
    why: expect.stringMatching(/empty/),
  });
});

test('the first choice of a rung is gone: told, the next is asked, and remembered', async () => {
  expect(gateway.remembered.get('groq')).toBe('openai/gpt-oss-120b');
  gateway.groq.models = ['openai/gpt-oss-20b'];
  gateway.models.keysChanged();
  await gateway.until(() =>
    gateway.events.some((event) => event.startsWith('models.gone: groq lists openai/gpt-oss-120b')),
  );
  expect((await gateway.ask(asked)).headers.get('x-daruma-model')).toBe('openai/gpt-oss-20b');
  await gateway.until(() => gateway.remembered.get('groq') === 'openai/gpt-oss-20b');
  expect(gateway.models.gone()).toMatchObject([
    { code: 'MODEL_GONE', message: expect.stringContaining('gpt-oss-20b is asked') },
  ]);
});

test('keys of providers are in the gateway’s memory alone; it has no environment, and ends with its host', async () => {
  const { pid } = gateway.models.view()!;
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'latin1');
  for (const file of ['environ', 'cmdline', 'status']) expect(read(file)).not.toMatch(/canary/i);
  const authorities = Object.entries(authoritiesOfNode(process.env)).map(([name, file]) => `${name}=${file}`);
  expect(read('environ').split('\0').filter(Boolean).sort()).toEqual(
    ['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=2', ...authorities].sort(),
  );
  expect(JSON.stringify([gateway.events, gateway.lines, gateway.refused, gateway.ledger])).not.toMatch(/canary/i);
  expect(JSON.stringify([gateway.models.chain(), gateway.models.counters.view()])).not.toMatch(/canary/i);
});

test('SIGKILL in the middle of calls: they fail, and the next one works, at the same port', async () => {
  const { pid, port } = gateway.models.view()!;
  const { chats } = gateway.groq.totals;
  gateway.groq.next('hang');
  const failed = gateway.ask(asked).then(
    () => 'an answer',
    () => 'an error',
  );
  await gateway.groq.whenAsked(chats + 1);
  process.kill(pid, 'SIGKILL');
  expect(await failed).toBe('an error');
  await gateway.until(() => (gateway.models.view()?.pid ?? pid) !== pid);
  expect(gateway.models.view()!.port).toBe(port);
  expect(gateway.ledger.lost).toBe(1);
  expect((await gateway.ask(asked)).status).toBe(200);
  expect(gateway.events.filter((event) => event.startsWith('models.lost'))).toHaveLength(1);
  await gateway.until(() => gateway.events.some((event) => event.startsWith('models.back')));
});

test('nothing of it stays when it is stopped', async () => {
  const { pid } = gateway.models.view()!;
  await gateway.models.stop();
  expect(readStat(pid)).toBeUndefined();
});
