import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Llm, LlmAnswer, LlmMessage, LlmOptions, LlmTool, LlmToolCall } from '../../plugin/llm.ts';
import type { ModelAccess } from '../ports.ts';
import { askedAt } from './calls.ts';
import { type LlmOrder, llmOrder } from './llm-request.ts';

/** Pause before a gateway is asked again that does not answer: it is started anew within a second or two. */
const GATEWAY_BACK_MS = 5_000;

/** The part of a chat completion that an answer is made of. */
interface Completion {
  choices?: {
    message?: {
      content?: string | null;
      tool_calls?: { id?: string; function?: { name?: string; arguments?: string } }[];
    };
    finish_reason?: string | null;
  }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number; money?: number };
  model?: string;
}

/** An answer, or why it does not fit what was asked for. */
type Read = { answer: LlmAnswer<unknown> } | { problem: string };

const OWN_CODES: ReadonlySet<string> = new Set([
  'BUDGET_SPENT',
  'BUDGET_TOO_SMALL',
  'PRICE_UNKNOWN',
  'SPEND_NOT_KEPT',
  'MODELS_DOWN',
  'ANSWER_UNUSABLE',
  'ATTEMPT_OVER',
]);

interface LlmNeeds {
  time: Time;
  access: ModelAccess;
  /** The attempt that asks. */
  attempt: { id: string; attempt: number };
  /** Of the attempt. */
  signal(): AbortSignal;
  /** Throws when the attempt has ended. */
  mustBeOpen(): void;
  /** A sign of life: of the plugin, which called, or of the gateway, which answered. */
  progress(): void;
}

/** Names the call whose answer its caller could not use: the gateway begins with the rung after it. */
const AFTER = 'x-daruma-after';

/** `context.llm` of one attempt. */
export function createContextLlm(needs: LlmNeeds): Llm {
  const { time, access, attempt, progress } = needs;
  const { baseURL, model } = access;
  const apiKey = `dk-${access.key}.${attempt.id}.${attempt.attempt}`;

  async function ask(order: LlmOrder, stop: AbortSignal, after: string | undefined): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${apiKey}`,
      ...(after === undefined ? {} : { [AFTER]: after }),
    };
    try {
      return await globalThis.fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers,
        body: order.body,
        signal: stop,
      });
    } catch (error) {
      throw stop.aborted || error instanceof Fault ? error : gatewayGone(error, time.now());
    }
  }

  /** A second call where the first answer does not fit: another rung may do better. */
  async function answered(order: LlmOrder, stop: AbortSignal): Promise<LlmAnswer<unknown>> {
    let after: string | undefined;
    for (;;) {
      const response = await ask(order, stop, after);
      const text = await response.text();
      progress();
      if (!response.ok) throw refusalOf(response.status, text);
      const read = await readAnswer(text, response.headers, order);
      if ('answer' in read) return read.answer;
      const call = response.headers.get('x-daruma-call') ?? '';
      if (after !== undefined) throw unusable(read.problem, response.headers);
      after = call;
    }
  }

  async function chat(messages: string | LlmMessage[], options?: LlmOptions): Promise<LlmAnswer<unknown>> {
    needs.mustBeOpen();
    const asked = new Error();
    progress();
    const order = await llmOrder(messages, options);
    const { timeoutMs, signal } = order;
    const ending = new AbortController();
    const disarm = timeoutMs === null ? undefined : time.after(timeoutMs, () => ending.abort());
    try {
      return await answered(order, AbortSignal.any([needs.signal(), ending.signal, ...(signal ? [signal] : [])]));
    } catch (error) {
      if (ending.signal.aborted) throw askedAt(tooSlow(timeoutMs!), asked);
      throw error instanceof Fault ? askedAt(error, asked) : error;
    } finally {
      disarm?.();
    }
  }

  return { chat: chat as Llm['chat'], baseURL, apiKey, model };
}

function unusable(problem: string, headers: Headers): Fault {
  const rung = headers.get('x-daruma-rung');
  const model = headers.get('x-daruma-model');
  return new Fault({
    code: 'ANSWER_UNUSABLE',
    message: `asked twice, and ${problem}`,
    next: 'say in the messages what a good answer looks like, or ask for less: a smaller schema, more maxTokens',
    data: { rung, model },
  });
}

function tooSlow(timeoutMs: number): Fault {
  return new Fault({
    code: 'MODEL_TIMEOUT',
    message: `no model answered within ${formatDuration(timeoutMs)}`,
    next: 'give it more time (timeout), or ask for less (maxTokens, effort)',
    data: { timeoutMs },
  });
}

/** Reads the answer of the gateway: tools through their inputs, JSON through the schema. */
async function readAnswer(text: string, headers: Headers, { tools, schema }: LlmOrder): Promise<Read> {
  const completion = jsonIn(text) as Completion | undefined;
  const choice = completion?.choices?.[0];
  if (!choice) return { problem: 'the answer holds no choice' };
  const content = choice.message?.content ?? '';
  const toolCalls: LlmToolCall[] = [];
  for (const { id, function: asked } of choice.message?.tool_calls ?? []) {
    const read = await toolCall(id, asked, tools);
    if ('problem' in read) return read;
    toolCalls.push(read);
  }
  let object: unknown;
  if (schema && toolCalls.length === 0) {
    const read = await objectIn(content, schema, choice.finish_reason === 'length');
    if ('problem' in read) return read;
    object = read.object;
  }
  const {
    prompt_tokens: promptTokens = 0,
    completion_tokens: completionTokens = 0,
    money = 0,
  } = completion.usage ?? {};
  return {
    answer: {
      ...{ text: content, object, toolCalls },
      usage: { promptTokens, completionTokens, money },
      model: headers.get('x-daruma-model') ?? completion.model ?? '',
      rung: headers.get('x-daruma-rung') ?? '',
    },
  };
}

async function toolCall(
  id: string | undefined,
  asked: { name?: string; arguments?: string } | undefined,
  tools: readonly LlmTool[],
): Promise<LlmToolCall | { problem: string }> {
  const name = asked?.name ?? '';
  const tool = tools.find((one) => one.name === name);
  if (!tool) return { problem: `it asks for the tool ${name}, which is none of those that it was given` };
  const said = jsonIn(asked?.arguments || '{}');
  if (said === undefined) return { problem: `the arguments of the tool ${name} are no JSON` };
  const parsed = await tool.input?.safeParseAsync(said);
  if (parsed && !parsed.success)
    return { problem: `the arguments of the tool ${name} do not fit: ${issuesOf(parsed.error)}` };
  return { id: id ?? '', name, arguments: parsed ? parsed.data : said };
}

async function objectIn(
  content: string,
  { of, isWrapped }: NonNullable<LlmOrder['schema']>,
  isCut: boolean,
): Promise<{ object: unknown } | { problem: string }> {
  const said = jsonIn(content);
  if (said === undefined)
    return { problem: isCut ? 'the answer was cut: maxTokens are too few for it' : 'the answer is no JSON' };
  const inner = isWrapped && typeof said === 'object' && said !== null && 'answer' in said ? said.answer : said;
  const parsed = await of.safeParseAsync(inner);
  return parsed.success
    ? { object: parsed.data }
    : { problem: `the answer does not fit the schema: ${issuesOf(parsed.error)}` };
}

function issuesOf({ issues }: { issues: readonly { path: PropertyKey[]; message: string }[] }): string {
  const words = issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message));
  return words.join('; ');
}

/** undefined for what is no JSON. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The fault that the gateway answered with. `code` of its own stay; a provider's word becomes `MODEL_REFUSED`. */
function refusalOf(status: number, text: string): Fault {
  const { error } = (jsonIn(text) ?? {}) as {
    error?: { message?: string; code?: unknown; next?: string } & Record<string, unknown>;
  };
  const message = error?.message ?? `the model gateway answered with status ${status}`;
  const { message: _, code: own, next, type: __, param: ___, data: inner, ...rest } = error ?? {};
  const data = { ...rest, ...(typeof inner === 'object' ? inner : {}) };
  const isOwn = typeof own === 'string' && OWN_CODES.has(own);
  // A gateway that fails may do better another time; a request that is refused will be again.
  const code = isOwn ? own : status >= 500 ? 'MODELS_DOWN' : 'MODEL_REFUSED';
  return new Fault({
    code,
    message,
    ...given({ next }),
    data: { ...data, ...(code === 'MODEL_REFUSED' ? { status, code: own ?? null } : {}) },
  });
}

/** The fault of a gateway that did not answer at all: the host starts another, and the job waits for it. */
function gatewayGone(cause: unknown, now: number): Fault {
  const why = cause instanceof Error ? ((cause.cause as Error | undefined)?.message ?? cause.message) : String(cause);
  return new Fault(
    {
      code: 'MODELS_DOWN',
      message: `the model gateway does not answer: ${why}`,
      next: 'nothing: the host starts another; a job that fails of it waits and loses no attempt',
      data: { retryAt: now + GATEWAY_BACK_MS },
    },
    { cause },
  );
}
