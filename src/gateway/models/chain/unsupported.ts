import type { RungReply } from '../ports.ts';
import { readErrorBody } from './error-body.ts';

/** Parameters without which a request still means the same, or nearly so. `json_schema` is put in words; `tools` are never left out. */
const DISPENSABLE = new Set([
  ...['temperature', 'top_p', 'frequency_penalty', 'presence_penalty', 'logit_bias', 'logprobs', 'top_logprobs', 'n'],
  ...['seed', 'user', 'parallel_tool_calls', 'reasoning_effort', 'reasoning_format', 'include_reasoning', 'think'],
  ...['service_tier', 'store', 'metadata', 'prediction', 'verbosity', 'tool_choice', 'response_format'],
  ...['stream_options', 'max_tokens', 'max_completion_tokens'],
]);

/** Each names a parameter in its first group. */
const NAMED: readonly RegExp[] = [
  /property ['"`]([\w.]+)['"`] is unsupported/i,
  /['"`](\w+)['"`] (?:is|are) (?:not supported|unsupported|not permitted|not allowed)/i,
  /(?:unsupported|unknown|unrecogni[sz]ed|unexpected)(?: request)? (?:parameter|field|argument|property)s?(?: supplied)?:? ['"`]?(\w+)/i,
  /\b(reasoning_effort)['"`]? must be one of/i,
];

/**
 * Parameters of the body that a provider does not know, by the answer it gave. Such a request is sent once more without
 * them, and the model never gets them again: neither is it the caller's fault, nor would another rung be better. Empty:
 * the answer says no such thing.
 */
export function unsupportedIn(reply: RungReply, body: Readonly<Record<string, unknown>>): string[] {
  if (reply.is !== 'answered' || (reply.status !== 400 && reply.status !== 422)) return [];
  const { message, code, param } = readErrorBody(reply.body);
  if (/json_schema/i.test(message) && /not support/i.test(message) && isSchema(body)) return ['json_schema'];
  if (/stream(ing)? is not supported|does not support stream/i.test(message) && body.stream === true) return ['stream'];
  if (/does not support thinking/i.test(message) && 'think' in body) return ['think'];
  if (/\bstrict\b|additionalProperties/i.test(message) && hasStrictTool(body)) return ['strict'];
  const byCode = /^(unsupported|unknown)_(parameter|value)$/.test(code) ? [param] : [];
  const byWords = NAMED.flatMap((words) => words.exec(message)?.[1] ?? []);
  return [...new Set([...byCode, ...byWords])].filter((name) => DISPENSABLE.has(name) && name in body);
}

function hasStrictTool({ tools }: Readonly<Record<string, unknown>>): boolean {
  const list = Array.isArray(tools) ? (tools as { function?: { strict?: boolean } }[]) : [];
  return list.some((tool) => tool.function?.strict === true);
}

const isSchema = ({ response_format: format }: Readonly<Record<string, unknown>>) =>
  (format as { type?: string } | undefined)?.type === 'json_schema';
