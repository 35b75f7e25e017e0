import type { z } from 'zod';
import type { Duration } from './units.ts';

/** A message of a conversation, in OpenAI's form. */
export type LlmMessage =
  | { role: 'system' | 'user'; content: string | LlmPart[] }
  /** The answer of a model before; `tool_calls` as OpenAI writes them. */
  | { role: 'assistant'; content?: string | null; tool_calls?: LlmAskedTool[] }
  /** The result of the tool for the call with this id. */
  | { role: 'tool'; tool_call_id: string; content: string };

/** A part of a message: a text, or a picture by its URL (`data:` too), for models that look at pictures. */
export type LlmPart = { type: 'text'; text: string } | { type: 'image_url'; image_url: { url: string } };

/** A call of a tool, as a message of the assistant holds it. `arguments` is JSON text. */
export interface LlmAskedTool {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

/** A tool that a model may ask for. Nothing is run by itself: the plugin does it, and says in a message with the role `tool` what came of it. */
export interface LlmTool {
  /** Letters, digits, `_` and `-`, at most 64. */
  name: string;
  /** The use of the tool, for the model. */
  description?: string;
  /** A zod object of its arguments. Default: it has none. */
  input?: z.ZodType;
}

/** A tool that the model asks for. `arguments` went through the tool's `input`. */
export interface LlmToolCall {
  id: string;
  name: string;
  arguments: unknown;
}

/** Options of `context.llm.chat`. */
export interface LlmOptions {
  /** A zod schema: the model answers with JSON of that shape, and `object` is what the schema makes of it. */
  schema?: z.ZodType;
  /** Tools that the model may ask for, at most 128; see `toolCalls` of the answer. */
  tools?: LlmTool[];
  /** How long a reasoning model thinks. Default: the provider's own. Models without it are asked without it. */
  effort?: 'low' | 'medium' | 'high';
  /** The most tokens of the answer, what the model thinks included. Default 1,000. So much is reserved of the day's limits. */
  maxTokens?: number;
  /** `auto` is the chain of config/daruma.yaml. A rung's name (`groq`), or rung and model (`groq/openai/gpt-oss-120b`), asks that rung alone. Default `auto`. */
  model?: string;
  /** Ends the call, beside the signal of the job, which always does. */
  signal?: AbortSignal;
  /** The longest that the call may take, all rungs together. Default: as long as the job. After that it fails with `MODEL_TIMEOUT`. */
  timeout?: Duration;
}

/** The answer of a model. */
export interface LlmAnswer<Answered = undefined> {
  /** The text; empty where the model asks for tools only. */
  text: string;
  /** The answer as the schema parsed it; undefined without a schema, and where the model asks for tools instead. */
  object: Answered;
  /** Tools that the model asks for; empty unless `tools` were given. */
  toolCalls: LlmToolCall[];
  /** As the provider counted them. `money`: in the currency of `models.prices`; 0 of a rung that is free. */
  usage: { promptTokens: number; completionTokens: number; money: number };
  /** The model that answered, and its rung of the chain. */
  model: string;
  rung: string;
}

/**
 * Models, by the chain of config/daruma.yaml: a rung that is down, slow, out of quota or gives no usable answer is passed over. The
 * keys of the providers are not in the plugin's worker. Using it without `needs.llm` throws `NOT_IN_NEEDS`.
 */
export interface Llm {
  /**
   * Asks the chain. `messages`: a text (of the user), or a conversation.
   *
   * Throws `BUDGET_SPENT` when a limit of the day is used up, of the agent or of all (`data.until`), and `MODELS_DOWN` when no rung
   * can be asked now (`data.retryAt`): a job that fails of either waits until then, and loses no attempt. `BUDGET_TOO_SMALL` when the
   * call may take more than a whole day has. `MODEL_REFUSED` when the request itself was refused (`data.status`, and the provider's
   * words). `ANSWER_UNUSABLE` when no rung gave an answer that fits the schema. `MODEL_TIMEOUT` after `timeout`. `CALL_INVALID` for
   * options that cannot be meant.
   *
   * @example
   * const { object } = await llm.chat(`How urgent is this?\n${mail}`, { schema: z.enum(['now', 'today', 'later']) });
   */
  chat<Schema extends z.ZodType>(
    messages: string | LlmMessage[],
    options: LlmOptions & { schema: Schema; tools?: undefined },
  ): Promise<LlmAnswer<z.output<Schema>>>;
  chat<Schema extends z.ZodType>(
    messages: string | LlmMessage[],
    options: LlmOptions & { schema: Schema; tools: LlmTool[] },
  ): Promise<LlmAnswer<z.output<Schema> | undefined>>;
  chat(messages: string | LlmMessage[], options?: LlmOptions & { schema?: undefined }): Promise<LlmAnswer>;
  /** The address for clients of OpenAI's API (`new OpenAI({ baseURL, apiKey })`, `createOpenAICompatible`): `http://127.0.0.1:PORT/v1`. */
  readonly baseURL: string;
  /** The key for such clients: of this attempt, and of no use after it. */
  readonly apiKey: string;
  /** The model to name there: `auto`, the chain. */
  readonly model: string;
}
