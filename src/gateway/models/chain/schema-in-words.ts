import type { ChatMessage, ChatRequest } from '../ports.ts';

/** The schema of a `response_format`; undefined: any JSON. */
export function schemaAsked(format: NonNullable<ChatRequest['response_format']>): unknown {
  if (format.type !== 'json_schema') return undefined;
  return (format.json_schema as { schema?: unknown } | undefined)?.schema ?? {};
}

/** Messages that ask in words for JSON by a schema, of models that take no `json_schema`. */
export function withSchemaInWords(messages: readonly ChatMessage[], schema: unknown): readonly ChatMessage[] {
  const fits = schema === undefined ? '' : ` that fits this JSON schema: ${JSON.stringify(schema)}`;
  const content = `Answer with one JSON value and nothing else${fits}`;
  const first = messages[0];
  if (first?.role !== 'system' || typeof first.content !== 'string') return [{ role: 'system', content }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${content}` }, ...messages.slice(1)];
}
