import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FAULT_NAMES } from './servers/faults.ts';
import type { ModelServer } from './servers/model-server.ts';
import { ollamaServer } from './servers/ollama-server.ts';
import { cerebrasServer, groqServer } from './servers/openai-shape.ts';

const MESSAGES = [{ role: 'user', content: 'How many are seven?' }];
const SCHEMA = { type: 'object', properties: { city: { type: 'string' }, count: { type: 'integer' } } };
const TOOLS = [{ type: 'function', function: { name: 'lookup', parameters: SCHEMA } }];

describe('local servers of the providers shapes', () => {
  let groq: ModelServer;
  let cerebras: ModelServer;
  let ollama: ModelServer;
  beforeAll(async () => {
    [groq, cerebras, ollama] = await Promise.all([groqServer(), cerebrasServer(), ollamaServer()]);
  });
  afterAll(() => Promise.all([groq, cerebras, ollama].map((server) => server.stop())));

  const ask = (server: ModelServer, body: object, signal?: AbortSignal) =>
    fetch(server.url + (server === ollama ? '/api/chat' : '/chat/completions'), {
      method: 'POST',
      signal,
      headers: { authorization: 'Bearer k' },
      body: JSON.stringify({ model: server.models[0], messages: MESSAGES, ...body }),
    });

  it('answer in words, with a tool, and by a schema', async () => {
    const words = await (await ask(groq, {})).json();
    expect(words).toMatchObject({ choices: [{ message: { content: 'A good answer in a few words.' } }] });
    const tool = await (await ask(cerebras, { tools: TOOLS })).json();
    expect(tool).toMatchObject({
      choices: [
        { message: { tool_calls: [{ function: { name: 'lookup', arguments: '{"city":"text","count":1}' } }] } },
      ],
    });
    const format = await (await ask(ollama, { format: SCHEMA, stream: false })).json();
    expect(format).toMatchObject({ message: { content: '{"city":"text","count":1}' }, done: true });
  });

  it('stream, with usage when it is asked for', async () => {
    const text = await (await ask(groq, { stream: true, stream_options: { include_usage: true } })).text();
    expect(text.match(/^data: /gm)).toHaveLength(11);
    expect(text).toContain('"usage":{"prompt_tokens":');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    const lines = (await (await ask(ollama, {})).text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ done: true, done_reason: 'stop' });
  });

  it('refuse what the real ones refuse', async () => {
    const effort = await ask(groq, { reasoning_effort: 'none' });
    expect([effort.status, await effort.text()]).toEqual([400, expect.stringContaining('`reasoning_effort` must be')]);
    expect((await ask(cerebras, { parallel_tool_calls: true })).status).toBe(400);
    expect((await ask(cerebras, { stream: true, tools: TOOLS })).status).toBe(400);
    expect((await ask(ollama, { model: 'gone:7b' })).status).toBe(404);
  });

  it('Ollama cuts a prompt that does not fit without a word', async () => {
    const long = [...Array(40)].map(() => ({ role: 'user', content: 'word '.repeat(200) }));
    const cut = (await (await ask(ollama, { messages: long, stream: false })).json()) as { prompt_eval_count: number };
    const fits = { messages: long, stream: false, options: { num_ctx: 16_384 } };
    const full = (await (await ask(ollama, fits)).json()) as { prompt_eval_count: number };
    expect(cut.prompt_eval_count).toBeLessThanOrEqual(4_096);
    expect(full.prompt_eval_count).toBeGreaterThan(10_000);
  });

  it('have each fault of the list, in order, and tell when a client goes away', async () => {
    const answered = FAULT_NAMES.filter(
      (name) => !['hang', 'slow', 'reset', 'stall first', 'stall late'].includes(name),
    );
    for (const server of [groq, cerebras, ollama]) {
      server.next(...answered);
      for (const name of answered) {
        const response = await ask(server, { stream: !name.startsWith('4') });
        const status = Number(/^\d{3}/.exec(name)?.[0] ?? 200);
        expect([name, response.status]).toEqual([name, status]);
        await response.text().catch(() => undefined);
        expect(server.chats().at(-1)!.fault).toBe(name);
      }
    }
    groq.next('hang');
    const leave = new AbortController();
    const asked = groq.whenAsked(groq.totals.chats + 1);
    const answer = ask(groq, {}, leave.signal);
    const call = await asked;
    leave.abort();
    await expect(answer).rejects.toThrow();
    expect((await call.closed).by).toBe('client');
  });
});
