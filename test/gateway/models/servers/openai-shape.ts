import { type AskedChat, answerTo, countTokens, type Said } from './answer.ts';
import { errorBody, faultNamed, type ModelFault } from './faults.ts';
import { type AskedCall, type ModelServer, type ServerOptions, type Shape, startModelServer } from './model-server.ts';

/** Parameters that Groq answers with 400 `property '…' is unsupported`, and those of Cerebras (dated 2026-11). */
const UNSUPPORTED = {
  groq: ['store', 'metadata', 'prediction', 'think', 'num_ctx'],
  cerebras: [
    'parallel_tool_calls',
    'frequency_penalty',
    'presence_penalty',
    'logit_bias',
    'service_tier',
    'store',
    'think',
  ],
};

/** A server of Groq's shape: `gpt-oss` takes efforts low, medium and high, `qwen` takes none and default. */
export function groqServer(options?: ServerOptions): Promise<ModelServer> {
  return startModelServer(
    openAiShape('groq', '/openai/v1', ['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'qwen/qwen3.6-27b']),
    options,
  );
}

/** A server of Cerebras' shape: flat errors, and a reasoning model that streams neither tools nor JSON. */
export function cerebrasServer(options?: ServerOptions): Promise<ModelServer> {
  return startModelServer(openAiShape('cerebras', '/v1', ['gpt-oss-120b', 'qwen-3.8-27b']), options);
}

function openAiShape(provider: 'groq' | 'cerebras', base: string, models: string[]): Shape {
  return {
    provider,
    base,
    models,
    isChat: (path) => path === `${base}/chat/completions`,
    refuse: (call, server) => refusal(provider, call, server),
    said: saidBy,
    whole,
    pieces,
    errorPiece: `event: error\ndata: ${JSON.stringify({ error: { message: 'Over capacity', type: 'server_error', code: 'over_capacity' } })}\n\n`,
    streamType: 'text/event-stream',
    headers: ({ promptTokens }) => rateHeaders(provider, promptTokens),
    other: (call, server) => otherPaths(call, server),
  };
}

/** What a model says, by the server's text. */
export function saidBy(call: AskedCall, server: ModelServer): Said {
  const chat = call.body!;
  const made = typeof server.text === 'function' ? server.text(chat) : undefined;
  if (made === undefined) return answerTo(chat, server.text as string);
  const plain = answerTo({ ...chat, tools: undefined, response_format: undefined, format: undefined }, '');
  const said = typeof made === 'string' ? { text: made } : made;
  return { ...plain, completionTokens: countTokens(said.text ?? ''), ...said };
}

/** OpenAI's form of models and of embeddings, for paths that end as theirs do. */
export function otherPaths(call: AskedCall, server: ModelServer): unknown {
  if (call.path.endsWith('/models'))
    return {
      object: 'list',
      data: server.models.map((id) => ({ id, object: 'model', owned_by: server.provider, context_window: 131_072 })),
    };
  if (!call.path.endsWith('/embeddings')) return undefined;
  const { input } = call.body as unknown as { input: string | string[] };
  const data = [input]
    .flat()
    .map((text, index) => ({ object: 'embedding', index, embedding: [text.length, 0.5, -0.5] }));
  const tokens = countTokens([input].flat().join(' '));
  return { object: 'list', model: call.body!.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } };
}

function refusal(provider: 'groq' | 'cerebras', call: AskedCall, server: ModelServer): ModelFault | undefined {
  const chat = call.body!;
  const fault = (message: string, code = '') => ({ status: 400, body: errorBody(provider, message, code) });
  if (!/^Bearer \S+/.test(call.headers.authorization ?? '')) return faultNamed('401', provider, 0);
  if (!server.models.includes(chat.model)) return faultNamed('404 model', provider, 0);
  const unknown = UNSUPPORTED[provider].find((name) => name in chat);
  if (unknown) return fault(`property '${unknown}' is unsupported`);
  const effort = chat.reasoning_effort;
  const efforts = chat.model.includes('gpt-oss') ? ['low', 'medium', 'high'] : ['none', 'default'];
  if (effort !== undefined && !efforts.includes(effort))
    return fault(`\`reasoning_effort\` must be one of ${efforts.map((one) => `\`${one}\``).join(', ')}`);
  const isShaped = chat.tools !== undefined || chat.response_format !== undefined;
  if (provider === 'cerebras' && chat.stream && isShaped)
    return fault('Streaming is not supported with tools or JSON mode for reasoning models.', 'wrong_api_format');
  return undefined;
}

function rateHeaders(provider: 'groq' | 'cerebras', tokens: number): Record<string, string> {
  if (provider === 'cerebras')
    return {
      'x-ratelimit-limit-requests-day': '14400',
      'x-ratelimit-limit-tokens-minute': '250000',
      'x-ratelimit-remaining-requests-day': '14399',
      'x-ratelimit-remaining-tokens-minute': `${250_000 - tokens}`,
      'x-ratelimit-reset-requests-day': '33011.382867',
      'x-ratelimit-reset-tokens-minute': '11.382867',
    };
  return {
    'x-ratelimit-limit-requests': '500000',
    'x-ratelimit-limit-tokens': '250000',
    'x-ratelimit-remaining-requests': '499999',
    'x-ratelimit-remaining-tokens': `${250_000 - tokens}`,
    'x-ratelimit-reset-requests': '172.8ms',
    'x-ratelimit-reset-tokens': '1.57s',
  };
}

const usageOf = ({ promptTokens, completionTokens }: Said) => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

const callsOf = (said: Said) =>
  said.toolCalls?.map((one, index) => ({
    index,
    id: `call_${index}`,
    type: 'function',
    function: { name: one.name, arguments: JSON.stringify(one.arguments) },
  }));

/** An answer in OpenAI's form. */
export function whole(chat: AskedChat, said: Said, usage: boolean): unknown {
  const message = {
    role: 'assistant',
    content: said.text,
    ...(said.reasoning ? { reasoning: said.reasoning } : {}),
    ...(said.toolCalls?.length ? { tool_calls: callsOf(said)!.map(({ index, ...call }) => call) } : {}),
  };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: chat.model,
    choices: [{ index: 0, message, finish_reason: said.finish }],
    ...(usage ? { usage: usageOf(said) } : {}),
  };
}

/** A stream in OpenAI's form: a role, reasoning, words or calls, the finish, usage when it was asked for, `[DONE]`. */
export function pieces(chat: AskedChat, said: Said, usage: boolean): string[] {
  const piece = (delta: unknown, finish: string | null = null) =>
    event({ choices: [{ index: 0, delta, finish_reason: finish }] });
  const event = (rest: object) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_790_000_000, model: chat.model, ...rest })}\n\n`;
  const wantsUsage = usage && chat.stream_options?.include_usage === true;
  return [
    piece({ role: 'assistant', content: '' }),
    ...(said.reasoning ? [piece({ reasoning: said.reasoning })] : []),
    ...(said.text.match(/\s*\S+/g) ?? []).map((content) => piece({ content })),
    ...(callsOf(said) ?? []).map((call) => piece({ tool_calls: [call] })),
    piece({}, said.finish),
    `${wantsUsage ? event({ choices: [], usage: usageOf(said) }) : ''}data: [DONE]\n\n`,
  ];
}
