import { isoOf } from '../kernel/instant.ts';
import type { ModelAccess } from '../workers/ports.ts';
import type { AskedFetch, FetchAnswer } from '../workers/rehearsal.ts';

/** The models that a worker of a sandbox sees: no server is there, each call is a question to the owner of the sandbox. */
export const SANDBOX_MODELS: ModelAccess = { baseURL: 'http://127.0.0.1:1/v1', key: '0'.repeat(32), model: 'auto' };

/** A call of models, as its body says. */
export interface AskedModel {
  model: string;
  /** In OpenAI's form. */
  messages: { role: string; content?: unknown; tool_calls?: unknown; tool_call_id?: string }[];
  /** The JSON Schema of the answer; undefined without one. */
  schema?: unknown;
  /** Names of the tools that the model may ask for. */
  tools: string[];
  effort?: string;
  maxTokens?: number;
  /** The call asked for a stream. */
  stream: boolean;
}

/** An answer of a model. `fails`: the code of the fault instead of an answer. */
export type ModelReply =
  | string
  | {
      text?: string;
      /** The answer to a schema; JSON. */
      object?: unknown;
      toolCalls?: { name: string; arguments?: unknown; id?: string }[];
      /** Default: none was used. */
      usage?: { promptTokens?: number; completionTokens?: number; money?: number };
      /** Default `test`. */
      model?: string;
      rung?: string;
    }
  | {
      fails: 'BUDGET_SPENT' | 'MODELS_DOWN' | 'MODEL_REFUSED' | 'ANSWER_UNUSABLE';
      message?: string;
      /** Of BUDGET_SPENT and MODELS_DOWN: when it is worth to try again. Default: in a minute. */
      until?: Date | string;
    };

type Answered = Exclude<ModelReply, string | { fails: unknown }>;

const STATUS = { BUDGET_SPENT: 402, MODELS_DOWN: 503, MODEL_REFUSED: 400, ANSWER_UNUSABLE: 502 };
const JSON_TYPE: [string, string] = ['content-type', 'application/json'];

/** The question of a request for chat completions; undefined for any other request. */
export function askedModel({ method, url, body }: AskedFetch): AskedModel | undefined {
  if (method !== 'POST' || !url.endsWith('/chat/completions') || body === null) return undefined;
  const said = JSON.parse(Buffer.from(body, 'base64').toString()) as {
    model: string;
    messages: AskedModel['messages'];
    tools?: { function: { name: string } }[];
    response_format?: { json_schema?: { schema?: unknown } };
    reasoning_effort?: string;
    max_tokens?: number;
    max_completion_tokens?: number;
    stream?: boolean;
  };
  const schema = said.response_format?.json_schema?.schema;
  const maxTokens = said.max_completion_tokens ?? said.max_tokens;
  return {
    model: said.model,
    messages: said.messages,
    ...(schema === undefined ? {} : { schema }),
    tools: (said.tools ?? []).map((tool) => tool.function.name),
    ...(said.reasoning_effort === undefined ? {} : { effort: said.reasoning_effort }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    stream: said.stream === true,
  };
}

/** The reply as the model gateway would send it; `now`: epoch ms. */
export function modelAnswer({ stream }: AskedModel, reply: ModelReply, now: number): FetchAnswer {
  if (typeof reply === 'object' && 'fails' in reply) return failure(reply, now);
  const answered: Answered = typeof reply === 'string' ? { text: reply } : reply;
  const { model = 'test', rung = 'test' } = answered;
  const headers: [string, string][] = [
    ['x-daruma-rung', rung],
    ['x-daruma-model', model],
    ['x-daruma-call', 'test'],
  ];
  const content = answered.object === undefined ? (answered.text ?? '') : JSON.stringify(answered.object);
  const toolCalls = (answered.toolCalls ?? []).map(({ name, arguments: said = {}, id }, index) => ({
    id: id ?? `call-${index + 1}`,
    type: 'function',
    function: { name, arguments: JSON.stringify(said) },
  }));
  const { promptTokens = 0, completionTokens = 0, money = 0 } = answered.usage ?? {};
  const total = promptTokens + completionTokens;
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: total, money };
  const finish = toolCalls.length > 0 ? 'tool_calls' : 'stop';
  const facts = { id: 'test', created: Math.floor(now / 1_000), model };
  const calls = toolCalls.length > 0 ? { tool_calls: toolCalls } : {};
  if (stream) {
    const deltas = [
      { role: 'assistant', content, ...('tool_calls' in calls ? { tool_calls: indexed(toolCalls) } : {}) },
      {},
    ];
    const chunks = deltas.map((delta, at) => ({
      ...{ ...facts, object: 'chat.completion.chunk' },
      choices: [{ index: 0, delta, finish_reason: at === deltas.length - 1 ? finish : null }],
    }));
    const events = [...chunks, { ...facts, object: 'chat.completion.chunk', choices: [], usage }];
    const text = [...events.map((event) => JSON.stringify(event)), '[DONE]']
      .map((data) => `data: ${data}\n\n`)
      .join('');
    return answer(200, [['content-type', 'text/event-stream'], ...headers], text);
  }
  const message = { role: 'assistant', content, ...calls };
  const choices = [{ index: 0, message, finish_reason: finish }];
  return answer(200, [JSON_TYPE, ...headers], JSON.stringify({ ...facts, object: 'chat.completion', choices, usage }));
}

function indexed(toolCalls: object[]) {
  return toolCalls.map((call, index) => ({ index, ...call }));
}

function failure({ fails, message, until }: Extract<ModelReply, { fails: unknown }>, now: number): FetchAnswer {
  const at = until === undefined ? now + 60_000 : new Date(until).getTime();
  const when = { BUDGET_SPENT: { until: at }, MODELS_DOWN: { retryAt: at }, MODEL_REFUSED: {}, ANSWER_UNUSABLE: {} }[
    fails
  ];
  const waits = 'until' in when || 'retryAt' in when ? ` until ${isoOf(at)}` : '';
  const error = {
    message: message ?? `the test says ${fails}${waits}`,
    type: 'test',
    code: fails,
    param: null,
    ...when,
  };
  return answer(STATUS[fails], [JSON_TYPE, ['x-should-retry', 'false']], JSON.stringify({ error }));
}

function answer(status: number, headers: [string, string][], text: string): FetchAnswer {
  return { status, statusText: '', headers, body: Buffer.from(text).toString('base64') };
}
