import type { TokenUsage } from '../ports.ts';

/** A whole answer of a model, as checks and streams need it. */
export interface ChatAnswer {
  text: string;
  reasoning: string;
  toolCalls: readonly AnswerCall[];
  /** `stop`, `length`, `tool_calls`, …; null: the provider says none. */
  finish: string | null;
  /** null: the provider says none that can be true. */
  usage: TokenUsage | null;
}

interface AnswerCall {
  id: string;
  name: string;
  /** JSON, as the model wrote it. */
  arguments: string;
}

/** The fields that name an answer which the gateway writes itself: epoch seconds, the model, an id. */
export interface AnswerHead {
  id: string;
  created: number;
  model: string;
}

/** An answer as it is read: its body in OpenAI's form beside what is in it. */
export interface WholeAnswer {
  answer: ChatAnswer;
  body: Record<string, unknown>;
}

type Plain = Record<string, unknown>;

/** Reads a whole answer in OpenAI's form, or of Ollama's `/api/chat`. null: no JSON, or no answer of a model. */
export function readWholeAnswer(kind: 'openai' | 'ollama', text: string, head: AnswerHead): WholeAnswer | null {
  const body = parsedObject(text);
  if (body === null) return null;
  if (kind === 'openai') {
    const choice = (body.choices as Plain[] | undefined)?.[0];
    if (typeof choice?.message !== 'object' || choice.message === null) return null;
    return { answer: openAiAnswer(body, choice), body };
  }
  if (typeof body.message !== 'object' || body.message === null || body.done !== true) return null;
  return wholeOf(ollamaAnswer(body, body.message as Plain, head.id), head);
}

/** An answer with its body, of pieces or of another form. */
export function wholeOf(answer: ChatAnswer, head: AnswerHead): WholeAnswer {
  return { answer, body: answerBody(answer, head) };
}

/** `usage` of OpenAI's form, also that of `x_groq`, or of Ollama's last piece. null: none, or none that can be true. */
export function usageIn(body: Plain): TokenUsage | null {
  const usage = (body.usage ?? (body.x_groq as Plain | undefined)?.usage ?? body) as Plain;
  const promptTokens = usage.prompt_tokens ?? usage.prompt_eval_count;
  const completionTokens = usage.completion_tokens ?? usage.eval_count;
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : null;
}

/** A body in OpenAI's form, of an answer that came in another. */
function answerBody(answer: ChatAnswer, head: AnswerHead): Plain {
  const calls = answer.toolCalls.map(({ id, name, arguments: given }) => ({
    ...{ id, type: 'function', function: { name, arguments: given } },
  }));
  const message = {
    role: 'assistant',
    content: answer.text === '' && calls.length > 0 ? null : answer.text,
    ...(answer.reasoning ? { reasoning: answer.reasoning } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return {
    ...{ id: head.id, object: 'chat.completion', created: head.created, model: head.model },
    choices: [{ index: 0, message, finish_reason: answer.finish }],
    ...(answer.usage ? { usage: usageBody(answer.usage) } : {}),
  };
}

/** Usage as OpenAI's form has it. */
export function usageBody({ promptTokens, completionTokens }: TokenUsage): Plain {
  const total = promptTokens + completionTokens;
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: total };
}

/** A call of Ollama, which has no id and its arguments as an object. */
export function ollamaCall(call: unknown, id: string): AnswerCall {
  const called = ((call as Plain).function ?? {}) as Plain;
  const given = called.arguments;
  return { id, name: textOf(called.name), arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) };
}

/** Thoughts that a model wrote between `<think>` and `</think>` before its answer. */
function withoutThoughts(text: string): { text: string; thoughts: string } {
  const found = /^\s*<think>([\s\S]*?)(<\/think>\s*|$)/.exec(text);
  return found ? { text: text.slice(found[0].length), thoughts: found[1]!.trim() } : { text, thoughts: '' };
}

/** OpenAI's word for Ollama's `done_reason`. */
export function finishOf(doneReason: unknown, hasCalls: boolean): string {
  if (hasCalls) return 'tool_calls';
  return doneReason === 'length' ? 'length' : 'stop';
}

function openAiAnswer(body: Plain, choice: Plain): ChatAnswer {
  const message = choice.message as Plain;
  const calls = Array.isArray(message.tool_calls) ? (message.tool_calls as Plain[]) : [];
  return {
    text: textOf(message.content) || textOf(message.refusal),
    reasoning: textOf(message.reasoning ?? message.reasoning_content),
    toolCalls: calls.map((call) => {
      const called = (call.function ?? {}) as Plain;
      return { id: textOf(call.id), name: textOf(called.name), arguments: textOf(called.arguments) };
    }),
    finish: textOf(choice.finish_reason) || null,
    usage: usageIn(body),
  };
}

function ollamaAnswer(body: Plain, message: Plain, id: string): ChatAnswer {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  const { text, thoughts } = withoutThoughts(textOf(message.content));
  return {
    text,
    reasoning: textOf(message.thinking) || thoughts,
    toolCalls: calls.map((call, at) => ollamaCall(call, `call_${id}_${at}`)),
    finish: finishOf(body.done_reason, calls.length > 0),
    usage: usageIn(body),
  };
}

/** A JSON object; null for any other text. */
export function parsedObject(text: string): Plain | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : null;
  } catch {
    return null;
  }
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
