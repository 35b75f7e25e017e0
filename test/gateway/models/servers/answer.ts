/** A chat request as a server reads it: OpenAI's form, or Ollama's own. */
export interface AskedChat {
  model: string;
  messages: { role: string; content?: unknown; tool_calls?: unknown }[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  tools?: { function: { name: string; parameters?: Schema } }[];
  tool_choice?: unknown;
  response_format?: { type: string; json_schema?: { schema?: Schema } };
  /** Ollama: `json` or a schema. */
  format?: 'json' | Schema;
  reasoning_effort?: string;
  max_tokens?: number;
  max_completion_tokens?: number;
  options?: { num_ctx?: number; num_predict?: number };
  think?: unknown;
}

/** The part of a JSON schema that a server needs to make up a value. */
export interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  minimum?: number;
}

/** What a model says. */
export interface Said {
  text: string;
  reasoning?: string;
  toolCalls?: { name: string; arguments: Record<string, unknown> }[];
  finish: string;
  promptTokens: number;
  completionTokens: number;
}

/**
 * The answer of a model that does what it is asked: the first tool is called once, a schema is filled, a plain question
 * is answered with `text`.
 */
export function answerTo(chat: AskedChat, text: string): Said {
  const promptTokens = countTokens(JSON.stringify(chat.messages)) + countTokens(JSON.stringify(chat.tools ?? ''));
  const tool = chat.tools?.[0];
  const mayCall = chat.tool_choice !== 'none' && chat.messages.at(-1)?.role !== 'tool';
  if (tool && mayCall) {
    const toolCalls = [
      { name: tool.function.name, arguments: valueBy(tool.function.parameters ?? {}) as Record<string, unknown> },
    ];
    return { text: '', toolCalls, finish: 'tool_calls', promptTokens, completionTokens: 12 };
  }
  const said = askedSchema(chat) ? JSON.stringify(valueBy(askedSchema(chat)!)) : text;
  return { text: said, finish: 'stop', promptTokens, completionTokens: countTokens(said) };
}

/** As a tokenizer of English text would about count. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / 4);
}

function askedSchema(chat: AskedChat): Schema | undefined {
  if (typeof chat.format === 'object') return chat.format;
  if (chat.response_format?.type === 'json_schema') return chat.response_format.json_schema?.schema ?? {};
  const isPlain = chat.format === 'json' || chat.response_format?.type === 'json_object';
  return isPlain ? { type: 'object', properties: { ok: { type: 'boolean' } } } : undefined;
}

function valueBy(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return valueBy(schema.anyOf[0]!);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return 'text';
    case 'number':
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return schema.items ? [valueBy(schema.items)] : [];
    case 'null':
      return null;
    default:
      return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, one]) => [key, valueBy(one)]));
  }
}
