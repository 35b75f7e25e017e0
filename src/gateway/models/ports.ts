import type { PlainFault } from '../../kernel/fault.ts';

/** Facts on a model of a rung, as far as its provider tells them. */
export interface ModelFacts {
  name: string;
  /** Tokens of its context; null: unknown. */
  context: number | null;
}

/** The body of a request for chat completions, in OpenAI's form; further fields are passed on or stripped for each rung. */
export interface ChatRequest {
  model: string;
  messages: readonly ChatMessage[];
  tools?: readonly unknown[];
  tool_choice?: unknown;
  response_format?: { type: string; [more: string]: unknown };
  reasoning_effort?: string;
  max_tokens?: number;
  max_completion_tokens?: number;
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  [more: string]: unknown;
}

export interface ChatMessage {
  role: string;
  content?: unknown;
  [more: string]: unknown;
}

/** A request as a rung takes it: the path below its address, and the body, which is sent as JSON. */
export interface RungRequest {
  path: string;
  body: unknown;
}

/** The end of one HTTP exchange with a rung, before its answer is checked. */
export type RungReply =
  /** No answer, or not all of it. `what` in words: `connect ECONNREFUSED 127.0.0.1:80`, `no token within 30s`. */
  | { is: 'failed'; how: 'connect' | 'timeout' | 'cut'; what: string }
  /** The head and the body, as far as it was read; the names of headers in lower case. */
  | { is: 'answered'; status: number; headers: Readonly<Record<string, string>>; body: string };

/** The result of a try of a rung. Times are epoch ms. */
export type RungVerdict =
  | { is: 'good' }
  /** A cool-down of the model or of the whole rung; the next rung is asked now. */
  | { is: 'wait'; until: number; scope: 'model' | 'rung'; why: string }
  /** `counts`: as a failure of the origin's breaker. */
  | { is: 'next'; why: string; counts: boolean }
  /** No call for hours, told once: no credit, a revoked key, a model that is gone. */
  | { is: 'closed'; why: string; forMs: number; scope: 'model' | 'rung' }
  /** The caller's fault: the call ends, and no other rung is asked. */
  | { is: 'caller'; status: number; message: string; code: string | null }
  /** Empty, cut by length with nothing said, no JSON, a truncated prompt: the next rung is asked, and the try is counted. */
  | { is: 'unusable'; why: string };

/** Tokens that a provider says it has counted. */
export interface TokenUsage {
  promptTokens: number;
  completionTokens: number;
}

/** The expected size of a call, before it is made. */
export interface CallEstimate {
  promptTokens: number;
  /** The most tokens of its answer. */
  maxTokens: number;
}

/** A rung that was tried within a call. `usage` null: the provider did not say. `gone`: the caller left before its end. */
export interface SpentTry {
  rung: string;
  model: string;
  usage: TokenUsage | null;
  verdict: RungVerdict['is'] | 'gone';
  /** Without `usage`: the provider had the whole request and may bill for it. Default: true for `good`, `unusable` and `gone`. */
  mayBeBilled?: boolean;
}

/** A rung that a call may try. */
export interface RungPass {
  name: string;
  /** The leave of the breaker of its origin; null: the gateway asks once more before it tries the rung. */
  pass: number | null;
  /** Money that is reserved for a try of it. */
  money: number;
}

/** A rung that a call may not try. `retryAt`: epoch ms; null: unknown. */
export interface SkippedRung {
  name: string;
  why: string;
  retryAt: number | null;
}

/** How a worker reaches the models. */
export interface LlmAccess {
  /** `http://127.0.0.1:PORT/v1`. */
  baseURL: string;
  /** The key of the worker, as 32 hexadecimal digits; a call's key is `dk-<key>.<job>.<attempt>`. */
  key: string;
  /** `auto`: the chain. */
  model: string;
}

/** The state of a rung, for people. Times are epoch ms. */
export interface RungState {
  name: string;
  /** The model that is asked; null: none is known yet. */
  model: string | null;
  /** `cooling`: its provider asked for a pause · `closed`: shut for hours · `off`: its key is missing · `down`: its server does not answer. */
  state: 'ready' | 'cooling' | 'closed' | 'off' | 'down';
  until: number | null;
  /** When the fallback drill last proved it. */
  provenAt: number | null;
  why: string | null;
}

/** A small call that proves a rung: plain words, a tool, or JSON. */
export type CheckKind = 'plain' | 'tool' | 'json';

/** The result of the proof. `why`: the reason why it is not proven. */
export interface CheckResult {
  ok: boolean;
  tookMs: number;
  usage: TokenUsage | null;
  model: string | null;
  why: string | null;
}

/** The fault of a call that may not go out, for its caller. */
export type CallRefusal = PlainFault;
