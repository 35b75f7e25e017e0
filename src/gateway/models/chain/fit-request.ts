import type { Rung } from '../../../kernel/rung.ts';
import type { ChatMessage, ChatRequest, ModelFacts } from '../ports.ts';
import { fitOllama } from './fit-ollama.ts';
import { type FitTerms, type FittedRequest, type UnfitRequest, unfit } from './fitted-request.ts';
import {
  type FamilyFacts,
  familyFacts,
  PLAIN_PARAMETERS,
  type ProviderFacts,
  providerFacts,
  providerOf,
} from './model-facts.ts';
import { schemaAsked, withSchemaInWords } from './schema-in-words.ts';

/** So small a part of the estimate is certain: prompts of Hindi have 0.29 of it. */
const CERTAIN = 0.25;
const MESSAGE_FIELDS = ['role', 'content', 'name', 'tool_calls', 'tool_call_id'];
/** Handled one by one below. */
const OWN_FIELDS = new Set([
  ...['model', 'messages', 'stream', 'stream_options', 'response_format', 'reasoning_effort'],
  ...['max_tokens', 'max_completion_tokens'],
]);

/**
 * The request for a model of a rung: what it does not know is stripped, its names for limits and efforts are used, and a
 * schema that it cannot enforce is put in words. Ollama is asked by its own `/api/chat`, whose context is set to fit.
 */
export function fitRequest(
  request: ChatRequest,
  rung: Rung,
  model: ModelFacts,
  terms: FitTerms,
): FittedRequest | UnfitRequest {
  const context = rung.context ?? model.context;
  const provider = providerOf(rung);
  if (request.tools?.length && terms.learnt.has('tools')) return unfit(`${model.name} takes no tools`);
  if (provider === 'ollama') return fitOllama(request, model, { ...terms, context });
  // The estimate is high: only a prompt that is too long for certain is kept back.
  if (context !== null && terms.estimate.promptTokens * CERTAIN > context)
    return unfit(
      `a prompt of about ${terms.estimate.promptTokens} tokens is too long for the ${context} of ${model.name}`,
    );
  return fitOpenAi(request, model.name, providerFacts(provider), terms);
}

function fitOpenAi(
  request: ChatRequest,
  model: string,
  provider: ProviderFacts,
  { learnt, estimate }: FitTerms,
): FittedRequest {
  const family = familyFacts(model);
  const body: Record<string, unknown> = { model };
  const stripped: string[] = [];
  for (const name in request) {
    if (OWN_FIELDS.has(name)) continue;
    const isKnown = PLAIN_PARAMETERS.includes(name) || provider.parameters.includes(name);
    if (isKnown && !learnt.has(name)) body[name] = request[name];
    else stripped.push(name);
  }
  fitTools(request, body, provider, family.strictTools && !learnt.has('strict'));
  const words = fitFormat(request, body, provider, family, learnt);
  body.messages = (words ?? request.messages).map(plainMessage);
  const effort = effortOf(request, family);
  if (effort !== undefined && provider.parameters.includes('reasoning_effort') && !learnt.has('reasoning_effort'))
    body.reasoning_effort = effort;
  else if (request.reasoning_effort !== undefined) stripped.push('reasoning_effort');
  // Also for a caller that names no limit: money is reserved for so many tokens.
  body[limitName(provider, learnt)] = estimate.maxTokens;
  const isStreamed = mayStream(body, provider, learnt);
  if (isStreamed) body.stream = true;
  if (isStreamed && !learnt.has('stream_options')) body.stream_options = { include_usage: true };
  return { is: 'fits', path: '/chat/completions', body, isStreamed, stripped };
}

function fitTools(request: ChatRequest, body: Record<string, unknown>, provider: ProviderFacts, isStrict: boolean) {
  if (!request.tools?.length) {
    delete body.tools;
    delete body.tool_choice;
    return;
  }
  if (!provider.plainToolChoice) return;
  if (request.tool_choice !== undefined) body.tool_choice = request.tool_choice === 'none' ? 'none' : 'auto';
  if (isStrict) body.tools = request.tools.map(strictTool);
}

/** Sets `response_format`. Returns the messages with the schema in words where the model cannot be held to it. */
function fitFormat(
  request: ChatRequest,
  body: Record<string, unknown>,
  provider: ProviderFacts,
  family: FamilyFacts,
  learnt: ReadonlySet<string>,
): readonly ChatMessage[] | undefined {
  const format = request.response_format;
  if (format === undefined || format.type === 'text') return undefined;
  const schema = schemaAsked(format);
  const hasTools = body.tools !== undefined;
  if (learnt.has('response_format') || (hasTools && !provider.jsonBesideTools))
    return withSchemaInWords(request.messages, schema);
  if (schema === undefined || (family.jsonSchema && !learnt.has('json_schema'))) {
    body.response_format = format;
    return undefined;
  }
  body.response_format = { type: 'json_object' };
  return withSchemaInWords(request.messages, schema);
}

function effortOf(request: ChatRequest, family: FamilyFacts): string | undefined {
  if (family.efforts === null) return undefined;
  const asked = request.reasoning_effort;
  if (asked === undefined) return family.plainEffort ?? undefined;
  return Object.hasOwn(family.efforts, asked) ? family.efforts[asked] : (family.plainEffort ?? undefined);
}

function limitName(provider: ProviderFacts, learnt: ReadonlySet<string>): string {
  const other = provider.limitName === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  return learnt.has(provider.limitName) ? other : provider.limitName;
}

function mayStream(body: Record<string, unknown>, provider: ProviderFacts, learnt: ReadonlySet<string>): boolean {
  // Probabilities of tokens are passed on as they come, and not put together.
  if (learnt.has('stream') || body.logprobs !== undefined) return false;
  if (body.response_format !== undefined && !provider.streamsSchemas) return false;
  return body.tools === undefined || provider.streamsTools;
}

/** Groq refuses messages with fields that it does not know, such as `reasoning` of an answer that comes back. */
function plainMessage(message: ChatMessage): ChatMessage {
  const plain: ChatMessage = { role: message.role === 'developer' ? 'system' : message.role };
  for (const name of MESSAGE_FIELDS.slice(1)) if (message[name] !== undefined) plain[name] = message[name];
  return plain;
}

function strictTool(tool: unknown): unknown {
  const { function: called, ...rest } = tool as { function?: { strict?: boolean; parameters?: unknown } };
  if (called === undefined || called.strict !== undefined) return tool;
  return { ...rest, function: { ...called, strict: true, parameters: closedSchema(called.parameters) } };
}

/** A schema in which no object has further properties, as strict functions want it. */
function closedSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closedSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([name, part]) => [name, closedSchema(part)]));
  return closed.type === 'object' && closed.additionalProperties === undefined
    ? { ...closed, additionalProperties: false }
    : closed;
}
