import type { ChatMessage, ChatRequest, ModelFacts } from '../ports.ts';
import { type FitTerms, type FittedRequest, type UnfitRequest, unfit } from './fitted-request.ts';
import { familyFacts } from './model-facts.ts';
import { schemaAsked } from './schema-in-words.ts';

interface OllamaTerms extends FitTerms {
  /** Tokens of the model's context; null: unknown. */
  context: number | null;
}

/** Ollama loads a model anew for each other `num_ctx`: contexts are powers of two, from this one on. */
const LEAST_CONTEXT = 4_096;
/** Without a word of the model on its context, no more is asked for. */
const UNKNOWN_CONTEXT = 32_768;

/** Parameters of OpenAI's form that are options of Ollama under the same name. */
const OPTIONS = ['temperature', 'top_p', 'seed', 'stop', 'frequency_penalty', 'presence_penalty'];
const TAKEN = new Set([
  ...OPTIONS,
  ...['model', 'messages', 'stream', 'stream_options', 'tools', 'tool_choice', 'response_format'],
  ...['reasoning_effort', 'max_tokens', 'max_completion_tokens'],
]);

interface Call {
  id?: string;
  function?: { name?: string; arguments?: unknown };
}

/**
 * The request for Ollama's own `/api/chat`: on `/v1` it ignores `num_ctx` and cuts a prompt of more than 4,096 tokens without
 * a word. An unfit when estimate and answer do not fit into the context of the model.
 */
export function fitOllama(request: ChatRequest, model: ModelFacts, terms: OllamaTerms): FittedRequest | UnfitRequest {
  const { promptTokens, maxTokens } = terms.estimate;
  const needed = promptTokens + maxTokens;
  const context = terms.context ?? UNKNOWN_CONTEXT;
  if (needed > context) {
    const why = `about ${promptTokens} tokens and ${maxTokens} for the answer do not fit into the ${context} of ${model.name}`;
    return unfit(why);
  }
  const isStreamed = !terms.learnt.has('stream');
  const mayCall = request.tools?.length && request.tool_choice !== 'none';
  const body = {
    model: model.name,
    messages: ollamaMessages(request.messages),
    stream: isStreamed,
    ...(mayCall ? { tools: request.tools } : {}),
    ...formatOf(request),
    ...(terms.learnt.has('think') ? {} : thinkOf(request, model.name)),
    options: { ...optionsOf(request), num_ctx: contextFor(needed, context), num_predict: maxTokens },
  };
  const stripped = Object.keys(request).filter((name) => !TAKEN.has(name));
  return { is: 'fits', path: '/api/chat', body, isStreamed, stripped };
}

function contextFor(needed: number, most: number): number {
  let context = LEAST_CONTEXT;
  while (context < needed) context *= 2;
  return Math.min(context, most);
}

function formatOf({ response_format: format }: ChatRequest): object {
  if (format === undefined || format.type === 'text') return {};
  return { format: schemaAsked(format) ?? 'json' };
}

/** `think` is a level for gpt-oss and on or off for others; models that cannot think refuse it, so only "off" is ever said to them. */
function thinkOf(request: ChatRequest, model: string): object {
  const { efforts, plainEffort } = familyFacts(model);
  const asked = request.reasoning_effort;
  const effort = efforts && (asked === undefined ? plainEffort : (efforts[asked] ?? plainEffort));
  if (effort === 'none') return { think: false };
  return effort && effort !== 'default' ? { think: effort } : {};
}

function optionsOf(request: ChatRequest): Record<string, unknown> {
  return Object.fromEntries(OPTIONS.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]));
}

function ollamaMessages(messages: readonly ChatMessage[]): unknown[] {
  const names = new Map<string, string>();
  for (const { tool_calls: calls } of messages)
    for (const call of asCalls(calls)) if (call.id && call.function?.name) names.set(call.id, call.function.name);
  return messages.map((message) => {
    const { text, images } = contentOf(message.content);
    const calls = asCalls(message.tool_calls);
    const toolName = names.get(message.tool_call_id as string);
    return {
      role: message.role === 'developer' ? 'system' : message.role,
      content: text,
      ...(images.length > 0 ? { images } : {}),
      ...(calls.length > 0 ? { tool_calls: calls.map(ollamaCall) } : {}),
      ...(toolName === undefined ? {} : { tool_name: toolName }),
    };
  });
}

const asCalls = (calls: unknown) => (Array.isArray(calls) ? (calls as Call[]) : []);

/** Ollama wants the arguments as an object. */
function ollamaCall({ function: called }: Call): unknown {
  const given = called?.arguments;
  return { function: { name: called?.name, arguments: typeof given === 'string' ? objectIn(given) : (given ?? {}) } };
}

function objectIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Texts of a message as one text, and its pictures as base64, where they are within the message. */
function contentOf(content: unknown): { text: string; images: string[] } {
  if (!Array.isArray(content)) return { text: typeof content === 'string' ? content : '', images: [] };
  const parts = content as { text?: unknown; image_url?: { url?: string } }[];
  const texts = parts.map(({ text }) => text).filter((text) => typeof text === 'string');
  const images = parts.flatMap(
    ({ image_url: image }) => /^data:image\/[\w+.-]+;base64,(.*)$/s.exec(image?.url ?? '')?.[1] ?? [],
  );
  return { text: texts.join('\n'), images };
}
