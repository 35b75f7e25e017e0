/** The provider whose shape a server has. */
export type Provider = 'groq' | 'cerebras' | 'ollama';

/**
 * What a server does with one call instead of a good answer: an answer of its own, or a behaviour of its connection.
 * `after`: so many pieces of the stream go out before it.
 */
export type ModelFault =
  | { status: number; headers?: Record<string, string>; body: unknown }
  | { does: 'hang' | 'reset' | 'slow' }
  | { does: 'cut' | 'end' | 'stall' | 'error'; after: number }
  | { does: 'answer'; text?: string; reasoning?: string; finish?: string; usage?: Lies };

/** The tokens that a lying server reports; null: none at all. */
export type Lies = { prompt: number; completion: number } | null;

/** Names of {@link faultNamed}. */
export const FAULT_NAMES = [
  '429 seconds',
  '429 reset',
  '429 day',
  '429 date',
  '429 absurd',
  '429 bare',
  '429 queue',
  '401',
  '402',
  '403',
  '403 budget',
  '404 model',
  '400 decommissioned',
  '400 restricted',
  '400 spend limit',
  '400 credit',
  '400 plan',
  '400 tool_use_failed',
  '400 json_validate_failed',
  '400 context',
  '400 max_tokens',
  '400 unsupported',
  '400 effort',
  '413 tokens',
  '413 bytes',
  '422',
  '424',
  '498',
  '499',
  '500',
  '500 truncated',
  '502 html',
  '503',
  '529',
  'html',
  'empty body',
  'half a body',
  'empty',
  'length',
  'nonsense',
  'cut first',
  'cut late',
  'end late',
  'error first',
  'error late',
  'hang',
  'stall first',
  'stall late',
  'slow',
  'reset',
  'wrong usage',
  'no usage',
  'truncated',
] as const;
export type FaultName = (typeof FAULT_NAMES)[number];

/** Pieces of a stream that go out before a fault that comes late. */
const LATE = 3;
const JSON_HEAD = { 'content-type': 'application/json' };
const PAGE = '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>';

/** A fault in the words of a provider, as its documents or reports of its users show it. */
export function faultNamed(name: FaultName, provider: Provider, now: number): ModelFault {
  const error = (status: number, message: string, code = '', type = 'invalid_request_error', headers = {}) => ({
    status,
    headers: { ...JSON_HEAD, ...headers },
    body: errorBody(provider, message, code, type),
  });
  const limited = (message: string, code: string, headers: Record<string, string>) =>
    error(429, message, code, provider === 'groq' ? 'tokens' : 'too_many_requests_error', headers);
  switch (name) {
    case '429 seconds':
      return limited('Rate limit reached. Please try again in 2.5s.', limitCode(provider), { 'retry-after': '3' });
    case '429 reset':
      return limited('Rate limit reached on tokens per minute (TPM)', limitCode(provider), resetHeaders(provider));
    case '429 day':
      return limited('Rate limit reached on requests per day (RPD)', limitCode(provider), dayHeaders(provider));
    case '429 date':
      return limited('Too many requests', limitCode(provider), { 'retry-after': new Date(now + 4_000).toUTCString() });
    case '429 absurd':
      return limited('Too many requests', limitCode(provider), { 'retry-after': '99999999999' });
    case '429 bare':
      return limited('Too many requests', '', {});
    case '429 queue':
      return limited("We're experiencing high traffic right now! Please try again soon.", 'queue_exceeded', {});
    case '401':
      return error(401, 'Invalid API Key', provider === 'cerebras' ? 'wrong_api_key' : 'invalid_api_key');
    case '402':
      return error(402, 'Payment required to access this resource.', 'payment_required', 'payment_required_error');
    case '403':
      return error(403, 'Access denied. Please check your network settings.');
    case '403 budget':
      return error(403, 'Key limit exceeded (total limit).', 'insufficient_quota', 'billing_error');
    case '404 model':
      return error(404, modelGoneWords(provider), 'model_not_found', 'not_found_error');
    case '400 decommissioned':
      return error(400, 'The model `x` has been decommissioned and is no longer supported.', 'model_decommissioned');
    case '400 restricted':
      return error(400, 'Organization has been restricted. Please reach out to support.', 'organization_restricted');
    case '400 spend limit':
      return error(400, 'API access is blocked: the spend limit is reached.', 'blocked_api_access');
    case '400 credit':
      return error(400, 'Your credit balance is too low to access the API.');
    case '400 plan':
      return error(400, 'The service tier is not available for your organization. Please upgrade your plan.');
    case '400 tool_use_failed':
      return failedGeneration(provider, 'Failed to call a function.', 'tool_use_failed', '<function=lookup{"id": 7}>');
    case '400 json_validate_failed':
      return failedGeneration(provider, 'Failed to validate JSON.', 'json_validate_failed', '{"answer": ');
    case '400 context':
      return error(400, 'Please reduce the length of the messages or completion.', 'context_length_exceeded');
    case '400 max_tokens':
      return error(400, '`max_tokens` must be less than or equal to `65536`, the maximum value for this model');
    case '400 unsupported':
      return error(400, "property 'frequency_penalty' is unsupported");
    case '400 effort':
      return error(400, '`reasoning_effort` must be one of `low`, `medium`, or `high`');
    case '413 tokens':
      return error(
        413,
        'Request too large for model `x` on tokens per minute (TPM): Limit 8000, Requested 12000',
        'rate_limit_exceeded',
        'tokens',
      );
    case '413 bytes':
      return error(413, 'Request Entity Too Large', 'request_too_large');
    case '422':
      return error(422, 'The request was well-formed but could not be followed.', 'wrong_api_format');
    case '424':
      return error(424, 'Failed Dependency');
    case '498':
      return error(498, 'Flex tier capacity exceeded, try again later', 'capacity_exceeded', 'service_unavailable');
    case '499':
      return error(499, 'Request Cancelled');
    case '500':
      return error(500, 'Internal Server Error', 'internal_server_error', 'api_error');
    case '500 truncated':
      return error(500, 'no user query found in messages', '', 'api_error');
    case '502 html':
      return { status: 502, headers: { 'content-type': 'text/html' }, body: PAGE };
    case '503':
      return error(503, busyWords(provider), '', 'service_unavailable');
    case '529':
      return error(529, 'Overloaded', 'overloaded', 'overloaded_error');
    case 'html':
      return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE };
    case 'empty body':
      return { status: 200, headers: JSON_HEAD, body: '' };
    case 'half a body':
      return {
        status: 200,
        headers: JSON_HEAD,
        body: '{"id":"chatcmpl-1","object":"chat.completion","choices":[{"ind',
      };
    case 'empty':
      return { does: 'answer', text: '' };
    case 'length':
      return { does: 'answer', text: '', reasoning: 'The user wants …', finish: 'length' };
    case 'nonsense':
      return { does: 'answer', text: 'Sure! Here is what you asked for: {"broken' };
    case 'cut first':
      return { does: 'cut', after: 0 };
    case 'cut late':
      return { does: 'cut', after: LATE };
    case 'end late':
      return { does: 'end', after: LATE };
    case 'error first':
      return { does: 'error', after: 0 };
    case 'error late':
      return { does: 'error', after: LATE };
    case 'stall first':
      return { does: 'stall', after: 0 };
    case 'stall late':
      return { does: 'stall', after: LATE };
    case 'hang':
    case 'slow':
    case 'reset':
      return { does: name };
    case 'wrong usage':
      return { does: 'answer', usage: { prompt: 987_654_321, completion: -5 } };
    case 'no usage':
      return { does: 'answer', usage: null };
    case 'truncated':
      return { does: 'answer', usage: { prompt: 7, completion: 4 } };
  }
}

/** Groq: `{ error: { … } }`; Cerebras: flat; Ollama: `{ error: 'text' }`. */
export function errorBody(provider: Provider, message: string, code = '', type = 'invalid_request_error'): unknown {
  if (provider === 'ollama') return { error: message };
  if (provider === 'cerebras') return { message, type, param: code.includes('quota') ? 'quota' : '', code };
  return { error: { message, type, ...(code ? { code } : {}) } };
}

function failedGeneration(provider: Provider, message: string, code: string, text: string): ModelFault {
  if (provider !== 'groq') return { status: 400, headers: JSON_HEAD, body: errorBody(provider, message, code) };
  const error = {
    message: `${message} See 'failed_generation' for more details.`,
    type: 'invalid_request_error',
    code,
  };
  return { status: 400, headers: JSON_HEAD, body: { error: { ...error, failed_generation: text } } };
}

const limitCode = (provider: Provider) => (provider === 'groq' ? 'rate_limit_exceeded' : 'request_quota_exceeded');

const modelGoneWords = (provider: Provider) =>
  provider === 'ollama' ? "model 'x' not found" : 'The model `x` does not exist or you do not have access to it.';

const busyWords = (provider: Provider) =>
  provider === 'ollama'
    ? 'server busy, please try again.  maximum pending requests exceeded'
    : 'Service temporarily unavailable';

function resetHeaders(provider: Provider): Record<string, string> {
  if (provider === 'cerebras')
    return {
      'x-ratelimit-remaining-tokens-minute': '0',
      'x-ratelimit-reset-tokens-minute': '2.382867',
      'x-ratelimit-remaining-requests-day': '14000',
      'x-ratelimit-reset-requests-day': '33011.382867',
    };
  return {
    'x-ratelimit-remaining-requests': '900',
    'x-ratelimit-reset-requests': '2m59.56s',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '1.57s',
  };
}

function dayHeaders(provider: Provider): Record<string, string> {
  if (provider === 'cerebras')
    return { 'x-ratelimit-remaining-requests-day': '0', 'x-ratelimit-reset-requests-day': '33011.382867' };
  return {
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '1h2m',
    'x-ratelimit-remaining-tokens': '8000',
    'x-ratelimit-reset-tokens': '7.66ms',
  };
}
