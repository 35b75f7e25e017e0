import type { Rung } from '../../../kernel/rung.ts';
import type { RungRequest } from '../ports.ts';
import { parsedObject, usageBody } from './chat-answer.ts';

/** The request of a caller for `/v1/embeddings`. */
interface EmbeddingsRequest {
  model: string;
  input: string | readonly string[];
  dimensions?: number;
  encoding_format?: string;
}

/** The request for a model of a rung. Ollama is told to refuse a text that is too long, where it would cut it. */
export function fitEmbeddings(request: EmbeddingsRequest, rung: Rung, model: string): RungRequest {
  const { input, dimensions, encoding_format: format } = request;
  const sized = dimensions === undefined ? {} : { dimensions };
  if (rung.kind === 'ollama') return { path: '/api/embed', body: { model, input, truncate: false, ...sized } };
  return { path: '/embeddings', body: { model, input, ...sized, ...(format ? { encoding_format: format } : {}) } };
}

/** An answer with embeddings in OpenAI's form; null: it is none. */
export function readEmbeddings(text: string, model: string): Record<string, unknown> | null {
  const body = parsedObject(text);
  if (body === null) return null;
  if (Array.isArray(body.data) && body.data.length > 0) return body;
  if (!Array.isArray(body.embeddings) || body.embeddings.length === 0) return null;
  const data = body.embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding }));
  const count = body.prompt_eval_count;
  const usage = typeof count === 'number' ? { usage: usageBody({ promptTokens: count, completionTokens: 0 }) } : {};
  return { object: 'list', model, data, ...usage };
}
