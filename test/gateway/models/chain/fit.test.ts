import { describe, expect, it } from 'vitest';
import { fitRequest } from '../../../../src/gateway/models/chain/fit-request.ts';
import type { FittedRequest } from '../../../../src/gateway/models/chain/fitted-request.ts';
import { providerOf } from '../../../../src/gateway/models/chain/model-facts.ts';
import type { ChatRequest } from '../../../../src/gateway/models/ports.ts';
import type { Rung } from '../../../../src/kernel/rung.ts';

const RUNG: Rung = {
  ...{ name: 'groq', url: 'https://api.groq.com/openai/v1', kind: 'openai', models: [], embeddings: [] },
  ...{ timeoutMs: 1, idleMs: 1, free: false, context: null },
};
const CEREBRAS: Rung = { ...RUNG, name: 'second', url: 'https://api.cerebras.ai/v1' };
const OLLAMA: Rung = { ...RUNG, name: 'ollama', url: 'http://127.0.0.1:11434', kind: 'ollama' };
const OTHER: Rung = { ...RUNG, name: 'mine', url: 'https://models.example/v1' };

const MESSAGES = [{ role: 'user', content: 'Hi' }];
const SCHEMA = { type: 'object', properties: { a: { type: 'object', properties: {} } } };
const FORMAT = { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: SCHEMA } };
const TOOLS = [{ type: 'function', function: { name: 'lookup', parameters: SCHEMA } }];
const STREAM = { stream: true, stream_options: { include_usage: true } };
const ask = (more: Partial<ChatRequest> = {}): ChatRequest => ({ model: 'auto', messages: MESSAGES, ...more });

interface Given {
  model?: string;
  context?: number | null;
  learnt?: string[];
  promptTokens?: number;
}

function fitFor(rung: Rung, request: ChatRequest, given: Given = {}) {
  const { model = 'openai/gpt-oss-120b', context = null, learnt = [], promptTokens = 100 } = given;
  const estimate = { promptTokens, maxTokens: 500 };
  return fitRequest(request, rung, { name: model, context }, { estimate, learnt: new Set(learnt) });
}
function fitted(rung: Rung, request: ChatRequest, given?: Given): FittedRequest {
  const found = fitFor(rung, request, given);
  if (found.is !== 'fits') throw new Error(JSON.stringify(found));
  return found;
}
const bodyFor = (rung: Rung, request: ChatRequest, given?: Given) => fitted(rung, request, given).body;

describe('a request for a rung', () => {
  it('knows its provider by its host, or by its name behind a proxy', () => {
    expect([RUNG, CEREBRAS, OLLAMA, OTHER].map(providerOf)).toEqual(['groq', 'cerebras', 'ollama', 'other']);
    expect(providerOf({ ...RUNG, url: 'http://127.0.0.1:9' })).toBe('groq');
    expect(providerOf({ ...OTHER, url: 'https://notgroq.com/v1' })).toBe('other');
  });

  it('has the model of the rung, its name for the limit, and nothing that the rung does not know', () => {
    const request = ask({
      ...{
        temperature: 0.2,
        parallel_tool_calls: true,
        frequency_penalty: 1,
        logit_bias: {},
        store: true,
        max_tokens: 500,
      },
    });
    expect(fitted(RUNG, request)).toEqual({
      is: 'fits',
      path: '/chat/completions',
      body: {
        ...{ model: 'openai/gpt-oss-120b', messages: MESSAGES, temperature: 0.2, parallel_tool_calls: true },
        ...{ frequency_penalty: 1, reasoning_effort: 'low', max_completion_tokens: 500 },
        ...STREAM,
      },
      isStreamed: true,
      stripped: ['logit_bias', 'store'],
    });
    expect(fitted(CEREBRAS, request).stripped).toEqual([
      'parallel_tool_calls',
      'frequency_penalty',
      'logit_bias',
      'store',
    ]);
    expect(bodyFor(OTHER, request, { model: 'new-model' })).toEqual({
      ...{ model: 'new-model', messages: MESSAGES, temperature: 0.2, max_tokens: 500 },
      ...STREAM,
    });
  });

  it('bounds the answer also of a caller that names no limit: for so much money is reserved', () => {
    expect(bodyFor(RUNG, ask()).max_completion_tokens).toBe(500);
    expect(bodyFor(RUNG, ask(), { learnt: ['max_completion_tokens'] })).toMatchObject({ max_tokens: 500 });
    expect(bodyFor(OTHER, ask(), { learnt: ['max_tokens'] })).toMatchObject({ max_completion_tokens: 500 });
  });

  it.each([
    [
      'openai/gpt-oss-120b',
      { none: 'low', minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'high', odd: 'low' },
      'low',
    ],
    ['qwen/qwen3.6-27b', { none: 'none', low: 'none', medium: 'default', high: 'default' }, undefined],
    ['new-model', { none: undefined, low: undefined, high: undefined }, undefined],
  ])('has an effort that %s takes', (model, efforts, plain) => {
    const found = Object.keys(efforts).map((effort) => [
      effort,
      bodyFor(RUNG, ask({ reasoning_effort: effort }), { model }).reasoning_effort,
    ]);
    expect(Object.fromEntries(found)).toEqual(efforts);
    expect(bodyFor(RUNG, ask(), { model }).reasoning_effort).toBe(plain);
  });

  it('leaves out what the model has refused before', () => {
    expect(bodyFor(RUNG, ask({ seed: 1 }), { learnt: ['seed', 'reasoning_effort'] })).toEqual({
      ...{ model: 'openai/gpt-oss-120b', messages: MESSAGES, max_completion_tokens: 500 },
      ...STREAM,
    });
    expect(fitFor(RUNG, ask({ tools: TOOLS }), { learnt: ['tools'] })).toMatchObject({
      is: 'unfit',
      verdict: { is: 'next', counts: false },
    });
  });

  it('is one for a stream with usage, whatever the caller wants, unless the rung cannot stream what is asked', () => {
    expect(bodyFor(RUNG, ask({ stream: true }))).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(bodyFor(RUNG, ask({ stream: true }), { learnt: ['stream_options'] })).not.toHaveProperty('stream_options');
    const streamed = (rung: Rung, more: Partial<ChatRequest>, given?: Given) =>
      fitted(rung, ask({ stream: true, ...more }), given).isStreamed;
    expect([streamed(RUNG, { tools: TOOLS }), streamed(CEREBRAS, { tools: TOOLS })]).toEqual([true, false]);
    expect([streamed(RUNG, { response_format: FORMAT }), streamed(OTHER, { response_format: FORMAT })]).toEqual([
      false,
      true,
    ]);
    expect(streamed(CEREBRAS, {})).toBe(true);
    expect(streamed(RUNG, {}, { learnt: ['stream'] })).toBe(false);
    expect(streamed(CEREBRAS, { logprobs: true })).toBe(false);
    expect(bodyFor(CEREBRAS, ask({ stream: true, tools: TOOLS }))).not.toHaveProperty('stream_options');
  });

  it('has strict tools and a plain choice where the provider wants them', () => {
    const closed = {
      ...SCHEMA,
      additionalProperties: false,
      properties: { a: { type: 'object', properties: {}, additionalProperties: false } },
    };
    expect(bodyFor(CEREBRAS, ask({ tools: TOOLS, tool_choice: 'required' }))).toMatchObject({
      tool_choice: 'auto',
      tools: [{ type: 'function', function: { name: 'lookup', strict: true, parameters: closed } }],
    });
    expect(bodyFor(CEREBRAS, ask({ tools: TOOLS, tool_choice: 'none' })).tool_choice).toBe('none');
    expect(bodyFor(CEREBRAS, ask({ tools: TOOLS }), { model: 'qwen-3.8-27b' }).tools).toEqual(TOOLS);
    expect(bodyFor(CEREBRAS, ask({ tools: TOOLS }), { learnt: ['strict'] }).tools).toEqual(TOOLS);
    expect(bodyFor(RUNG, ask({ tools: TOOLS, tool_choice: 'required' }))).toMatchObject({
      tools: TOOLS,
      tool_choice: 'required',
    });
    expect(bodyFor(RUNG, ask({ tools: [], tool_choice: 'auto' }))).not.toHaveProperty('tool_choice');
  });

  it('asks by the schema where the model can be held to it, and else for JSON with the schema in words', () => {
    expect(bodyFor(RUNG, ask({ response_format: FORMAT })).response_format).toEqual(FORMAT);
    for (const given of [{ model: 'new-model' }, { learnt: ['json_schema'] }]) {
      const body = bodyFor(RUNG, ask({ response_format: FORMAT }), given);
      expect(body.response_format).toEqual({ type: 'json_object' });
      expect(body.messages).toEqual([
        { role: 'system', content: expect.stringContaining(JSON.stringify(SCHEMA)) },
        ...MESSAGES,
      ]);
    }
    const words = bodyFor(
      RUNG,
      ask({ response_format: FORMAT, messages: [{ role: 'system', content: 'Be kind.' }, ...MESSAGES] }),
      {
        ...{ learnt: ['response_format'] },
      },
    );
    expect(words).not.toHaveProperty('response_format');
    expect(words.messages).toEqual([
      { role: 'system', content: expect.stringMatching(/^Be kind\.\n\nAnswer with one JSON value/) },
      ...MESSAGES,
    ]);
    expect(bodyFor(RUNG, ask({ response_format: { type: 'json_object' } }), { model: 'new-model' }).messages).toEqual(
      MESSAGES,
    );
    expect(bodyFor(RUNG, ask({ response_format: { type: 'text' } }))).not.toHaveProperty('response_format');
    expect(bodyFor(RUNG, ask({ response_format: FORMAT, tools: TOOLS }))).not.toHaveProperty('response_format');
    expect(bodyFor(CEREBRAS, ask({ response_format: FORMAT, tools: TOOLS })).response_format).toEqual(FORMAT);
  });

  it('has messages without fields that a provider refuses, and without the role developer', () => {
    const messages = [
      { role: 'developer', content: 'Be kind.' },
      { role: 'assistant', content: 'Yes', reasoning: 'Hm', tool_calls: [], annotations: [] },
      { role: 'tool', tool_call_id: 'x', content: '7' },
    ];
    expect(bodyFor(RUNG, ask({ messages })).messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'assistant', content: 'Yes', tool_calls: [] },
      { role: 'tool', tool_call_id: 'x', content: '7' },
    ]);
  });

  it('is kept back when its prompt is too long for certain', () => {
    expect(fitFor(RUNG, ask(), { context: 8_192, promptTokens: 30_000 })).toMatchObject({ is: 'fits' });
    expect(fitFor(RUNG, ask(), { context: 8_192, promptTokens: 40_000 })).toMatchObject({
      is: 'unfit',
      verdict: {
        is: 'next',
        counts: false,
        why: 'a prompt of about 40000 tokens is too long for the 8192 of openai/gpt-oss-120b',
      },
    });
    expect(fitFor({ ...RUNG, context: 131_072 }, ask(), { context: 8_192, promptTokens: 40_000 })).toMatchObject({
      is: 'fits',
    });
  });
});

describe('a request for Ollama', () => {
  const local = (request: ChatRequest, given: Given = {}) =>
    fitted(OLLAMA, request, { model: 'gpt-oss:20b', ...given });

  it('is one of its own /api/chat, with a context that fits', () => {
    expect(local(ask({ temperature: 0, stop: ['x'], user: 'me', stream: true }))).toEqual({
      is: 'fits',
      path: '/api/chat',
      body: {
        ...{ model: 'gpt-oss:20b', messages: MESSAGES, stream: true, think: 'low' },
        options: { temperature: 0, stop: ['x'], num_ctx: 4_096, num_predict: 500 },
      },
      isStreamed: true,
      stripped: ['user'],
    });
  });

  const contextOf = (promptTokens: number, context: number | null) => {
    const found = fitFor(OLLAMA, ask(), { promptTokens, context });
    return found.is === 'fits' ? (found.body.options as { num_ctx: number }).num_ctx : found.verdict;
  };

  it('has a context of a power of two, so that the model is not loaded anew for each call, up to that of the model', () => {
    expect([3_596, 3_597, 7_692, 30_000].map((tokens) => contextOf(tokens, null))).toEqual([
      4_096, 8_192, 8_192, 32_768,
    ]);
    expect(contextOf(5_000, 6_000)).toBe(6_000);
    expect(contextOf(100, 2_048)).toBe(2_048);
  });

  it('is kept back when estimate and answer do not fit', () => {
    expect(contextOf(5_501, 6_000)).toEqual({
      ...{
        is: 'next',
        counts: false,
        why: 'about 5501 tokens and 500 for the answer do not fit into the 6000 of openai/gpt-oss-120b',
      },
    });
    expect(contextOf(32_500, null)).toMatchObject({ is: 'next' });
  });

  it('asks by a format', () => {
    expect(local(ask({ response_format: FORMAT })).body.format).toEqual(SCHEMA);
    expect(local(ask({ response_format: { type: 'json_object' } })).body.format).toBe('json');
    expect(local(ask({ response_format: { type: 'text' } })).body).not.toHaveProperty('format');
  });

  it('says how much to think only to models that can', () => {
    const think = (model: string, effort?: string, learnt?: string[]) =>
      local(ask(effort ? { reasoning_effort: effort } : {}), { model, learnt }).body.think;
    expect([think('gpt-oss:20b', 'high'), think('gpt-oss:20b'), think('gpt-oss:20b', 'odd')]).toEqual([
      'high',
      'low',
      'low',
    ]);
    expect([think('qwen3:8b', 'low'), think('qwen3:8b', 'high'), think('qwen3:8b')]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    expect([think('gemma4:31b', 'low'), think('gpt-oss:20b', 'high', ['think'])]).toEqual([undefined, undefined]);
  });

  it('has tools, calls with their arguments as objects, and results with the name of their tool', () => {
    const messages = [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'x', function: { name: 'lookup', arguments: '{"id":7}' } }],
      },
      { role: 'tool', tool_call_id: 'x', content: '42' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'y', function: { name: 'lookup', arguments: '{broken' } }],
      },
    ];
    const { body } = local(ask({ messages, tools: TOOLS }));
    expect(body.tools).toEqual(TOOLS);
    expect(body.messages).toEqual([
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'lookup', arguments: { id: 7 } } }] },
      { role: 'tool', content: '42', tool_name: 'lookup' },
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'lookup', arguments: {} } }] },
    ]);
    expect(local(ask({ tools: TOOLS, tool_choice: 'none' })).body).not.toHaveProperty('tools');
  });

  it('has texts as one text, and pictures apart', () => {
    const content = [
      { type: 'text', text: 'See' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } },
      { type: 'image_url', image_url: { url: 'https://pictures.example/1.png' } },
      { type: 'text', text: 'this' },
    ];
    expect(local(ask({ messages: [{ role: 'developer', content }] })).body.messages).toEqual([
      { role: 'system', content: 'See\nthis', images: ['QUJD'] },
    ]);
  });
});
