import { BOUNDS, shown } from '../../kernel/bounds.ts';
import { LENT_ZOD_FILE } from '../../kernel/plugin-modules.ts';
import { readCount } from '../../kernel/units.ts';
import type { LlmMessage, LlmOptions, LlmTool } from '../../plugin/llm.ts';
import { stringify } from './json.ts';
import { invalid, lengthOf, optionsOf, valueRead } from './options.ts';

type Zod = typeof import('zod');
type Schema = import('zod').ZodType;

/** A call of `context.llm.chat` with its options read: the body of the request, and what its answer is read with. */
export interface LlmOrder {
  /** JSON, in OpenAI's form. */
  body: string;
  tools: readonly LlmTool[];
  /** `isWrapped`: the model is asked for an object that holds the answer, because JSON modes give nothing but objects. */
  schema: { of: Schema; isWrapped: boolean } | null;
  timeoutMs: number | null;
  signal: AbortSignal | undefined;
}

const OPTIONS = ['schema', 'tools', 'effort', 'maxTokens', 'model', 'signal', 'timeout'] as const;
const EFFORTS = ['low', 'medium', 'high'];
const MAX_TOKENS = 1_000;
const MOST_TOOLS = 128;
/** The gateway refuses longer ones. */
const LONGEST_BODY = 8 * 1024 * 1024;
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

let zod: Promise<Zod> | undefined;

/** Reads messages and options; throws `CALL_INVALID` for what cannot be meant. */
export async function llmOrder(messages: unknown, given: LlmOptions = {}): Promise<LlmOrder> {
  const options = optionsOf(given, OPTIONS, 'chat') as LlmOptions;
  const { model = 'auto', effort, timeout, signal, tools = [] } = options;
  if (typeof model !== 'string' || model === '') throw invalid(`model ${shown(model)} is no name of a model`);
  if (effort !== undefined && !EFFORTS.includes(effort))
    throw invalid(`effort ${shown(effort)} is none of ${EFFORTS.join(', ')}`);
  if (!Array.isArray(tools) || tools.length > MOST_TOOLS)
    throw invalid(`tools are a list of at most ${MOST_TOOLS} tools`);
  const maxTokens = options.maxTokens ?? MAX_TOKENS;
  valueRead(readCount(maxTokens, { ...BOUNDS.tokens, most: 10_000_000 }), 'maxTokens', maxTokens);
  const schema = options.schema === undefined ? null : await jsonSchemaOf(options.schema, 'schema');
  const body = stringify({
    model,
    messages: messagesOf(messages),
    max_tokens: maxTokens,
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(tools.length === 0 ? {} : { tools: await Promise.all(tools.map(toolOf)) }),
    ...(schema === null
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: schema.json } } }),
  });
  if (body.length > LONGEST_BODY)
    throw invalid(`the messages are ${Math.ceil(body.length / 1024 / 1024)} MB; at most 8`);
  return {
    body,
    tools,
    schema: schema && { of: options.schema!, isWrapped: schema.isWrapped },
    timeoutMs: timeout === undefined ? null : lengthOf(timeout, BOUNDS.timer, 'timeout'),
    signal,
  };
}

function messagesOf(messages: unknown): LlmMessage[] {
  if (typeof messages === 'string' && messages !== '') return [{ role: 'user', content: messages }];
  const isList = Array.isArray(messages) && messages.length > 0;
  if (isList && messages.every((one) => typeof (one as LlmMessage | null)?.role === 'string')) return messages;
  throw invalid(
    `chat takes a text or a list of messages such as { role: 'user', content: '…' }, and not ${shown(messages)}`,
  );
}

async function toolOf(tool: LlmTool): Promise<object> {
  const { name, description, input } = optionsOf(tool, ['name', 'description', 'input'], 'a tool') as LlmTool;
  if (typeof name !== 'string' || !TOOL_NAME.test(name))
    throw invalid(`${shown(name)} is no name of a tool: letters, digits, _ and -, at most 64`);
  const schema = input === undefined ? undefined : await jsonSchemaOf(input, `input of the tool ${name}`);
  if (schema?.isWrapped) throw invalid(`input of the tool ${name} is no zod object`);
  const parameters = schema?.json ?? { type: 'object', properties: {}, additionalProperties: false };
  return { type: 'function', function: { name, ...(description === undefined ? {} : { description }), parameters } };
}

/** The JSON Schema of what the schema takes, which zod itself writes. */
async function jsonSchemaOf(schema: unknown, what: string): Promise<{ json: object; isWrapped: boolean }> {
  const isSchema = typeof (schema as { safeParseAsync?: unknown } | null)?.safeParseAsync === 'function';
  if (!isSchema) throw invalid(`${what} is no schema of zod, but ${shown(schema)}`);
  zod ??= import(LENT_ZOD_FILE.href) as Promise<Zod>;
  const { z } = await zod;
  try {
    const json = z.toJSONSchema(schema as Schema, { io: 'input' }) as { type?: unknown };
    if (json.type === 'object') return { json, isWrapped: false };
    return { json: z.toJSONSchema(z.strictObject({ answer: schema as Schema }), { io: 'input' }), isWrapped: true };
  } catch (error) {
    throw invalid(`${what} cannot be told to a model: ${error instanceof Error ? error.message : String(error)}`);
  }
}
