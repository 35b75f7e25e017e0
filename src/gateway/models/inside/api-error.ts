import type { PlainFault } from '../../../kernel/fault.ts';
import { toPlainFault } from '../../../kernel/fault.ts';

/** Codes of faults with the status that a client gets; any other fault is 503. */
const STATUS: Readonly<Record<string, number>> = {
  ATTEMPT_OVER: 401,
  BUDGET_SPENT: 402,
  BUDGET_TOO_SMALL: 402,
  PRICE_UNKNOWN: 402,
  ANSWER_UNUSABLE: 502,
};

/** An error as OpenAI's clients read it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly more: { next?: string; until?: string };
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string | null,
    message: string,
    more: { next?: string; until?: string; retryAfterMs?: number; data?: unknown } = {},
  ) {
    super(message);
    const { retryAfterMs, ...shown } = more;
    this.status = status;
    this.code = code;
    this.more = shown;
    const isFinal = status === 402 || status === 502 || status === 503;
    this.headers = {
      // A job that fails of it waits by itself; a client that tries again at once only holds up the job.
      ...(isFinal ? { 'x-should-retry': 'false' } : {}),
      ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))) }),
    };
  }

  get body() {
    const type = TYPES[this.status] ?? (this.status >= 500 ? 'server_error' : 'invalid_request_error');
    return { error: { message: this.message, type, code: this.code, param: null, ...this.more } };
  }

  /** The error of a fault of the host. `until` of its data becomes `retry-after`. */
  static ofFault({ code, message, next, data }: PlainFault, now: number): ApiError {
    const until = data?.until ?? data?.retryAt;
    const at = typeof until === 'string' ? Date.parse(until) : Number.NaN;
    return new ApiError(STATUS[code] ?? 503, code, message, {
      ...(next === undefined ? {} : { next }),
      ...(Number.isNaN(at) ? {} : { until: String(until), retryAfterMs: at - now }),
      ...(data === undefined ? {} : { data }),
    });
  }

  static of(error: unknown): ApiError {
    return error instanceof ApiError ? error : new ApiError(500, 'GATEWAY_FAILED', toPlainFault(error).message);
  }
}

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  404: 'not_found_error',
  429: 'rate_limit_error',
};
