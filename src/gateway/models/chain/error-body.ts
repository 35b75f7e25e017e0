import { oneLine } from '../../../kernel/shown-text.ts';

/** The body of an answer, as far as it speaks of an error. */
export interface ErrorBody {
  /** `cut`: the begin of a JSON text without its end. */
  kind: 'json' | 'html' | 'empty' | 'text' | 'cut';
  /** The message in one line, at most 500 signs; empty without any. */
  message: string;
  /** In lower case; empty where the provider says none. */
  code: string;
  type: string;
  param: string;
  /** Text of a model that its provider could not read as a call or as JSON. */
  failedGeneration: string | null;
}

const LONGEST_MESSAGE = 500;

/**
 * Reads OpenAI's form `{ error: { … } }` (Groq), the flat form `{ message, type, code }` (Cerebras), `{ error: 'text' }`
 * (Ollama) and lists of details. Never throws.
 */
export function readErrorBody(body: string): ErrorBody {
  const text = body.trim();
  const plain = { message: '', code: '', type: '', param: '', failedGeneration: null };
  if (text === '') return { kind: 'empty', ...plain };
  if (text.startsWith('<')) return { kind: 'html', ...plain, message: wordsOf(titleOf(text)) };
  if (!text.startsWith('{') && !text.startsWith('[')) return { kind: 'text', ...plain, message: wordsOf(text) };
  const value = parsed(text);
  if (value === undefined) return { kind: 'cut', ...plain };
  return { kind: 'json', ...plain, ...errorIn(value) };
}

function errorIn(value: unknown): Partial<ErrorBody> {
  const whole = asObject(Array.isArray(value) ? value[0] : value);
  if (typeof whole.error === 'string') return { message: wordsOf(whole.error), code: textOf(whole.code) };
  const error = whole.error === undefined || whole.error === null ? whole : asObject(whole.error);
  const detail = Array.isArray(error.detail) ? asObject(error.detail[0]).msg : error.detail;
  return {
    message: wordsOf(error.message ?? detail),
    code: textOf(error.code),
    type: textOf(error.type),
    param: textOf(error.param),
    failedGeneration: typeof error.failed_generation === 'string' ? error.failed_generation : null,
  };
}

const titleOf = (page: string) => /<title[^>]*>([^<]*)/i.exec(page)?.[1] ?? '';

const asObject = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

const textOf = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' ? `${value}`.toLowerCase() : '';

const wordsOf = (value: unknown) => (typeof value === 'string' ? oneLine(value).slice(0, LONGEST_MESSAGE) : '');

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
