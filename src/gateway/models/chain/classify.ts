import { HOUR_MS, MINUTE_MS } from '../../../kernel/measures.ts';
import type { RungReply, RungVerdict } from '../ports.ts';
import { type ErrorBody, readErrorBody } from './error-body.ts';
import { pauseAsked } from './pauses.ts';

/** A row of a table: what an answer with this code, status or wording comes to. */
type Rule =
  | { is: 'wait'; scope: 'model' | 'rung' /** Without a pause that the provider asks for. */; pauseMs: number }
  | { is: 'closed'; scope: 'model' | 'rung'; forMs: number }
  | { is: 'next'; counts: boolean }
  | { is: 'unusable' }
  | { is: 'caller' };

const NO_CREDIT: Rule = { is: 'closed', scope: 'rung', forMs: 6 * HOUR_MS };
const BAD_KEY: Rule = { is: 'closed', scope: 'rung', forMs: 6 * HOUR_MS };
const WRONG_ADDRESS: Rule = { is: 'closed', scope: 'rung', forMs: HOUR_MS };
const MODEL_GONE: Rule = { is: 'closed', scope: 'model', forMs: 12 * HOUR_MS };
const LIMITED: Rule = { is: 'wait', scope: 'model', pauseMs: 30_000 };
const BUSY: Rule = { is: 'wait', scope: 'model', pauseMs: 10_000 };
const FAILING: Rule = { is: 'next', counts: true };
const NOT_HERE: Rule = { is: 'next', counts: false };
const BAD_GENERATION: Rule = { is: 'unusable' };
const CALLER: Rule = { is: 'caller' };

/** By the code of an error, or its type; before the status, because 400 means six different things. */
const CODES: Readonly<Record<string, Rule>> = {
  ...{ insufficient_quota: NO_CREDIT, billing_hard_limit_reached: NO_CREDIT, blocked_api_access: NO_CREDIT },
  ...{ payment_required: NO_CREDIT, payment_required_error: NO_CREDIT, billing_error: NO_CREDIT },
  ...{ billing_not_active: NO_CREDIT, insufficient_credits: NO_CREDIT, credit_balance_too_low: NO_CREDIT },
  ...{ invalid_api_key: BAD_KEY, wrong_api_key: BAD_KEY, expired_api_key: BAD_KEY, authentication_error: BAD_KEY },
  ...{ organization_restricted: BAD_KEY, account_deactivated: BAD_KEY, organization_deactivated: BAD_KEY },
  ...{ model_not_found: MODEL_GONE, model_decommissioned: MODEL_GONE, model_not_active: MODEL_GONE },
  ...{ model_terms_required: MODEL_GONE, model_permission_blocked_org: MODEL_GONE },
  ...{ model_permission_blocked_project: MODEL_GONE, unsupported_model: MODEL_GONE },
  ...{ tool_use_failed: BAD_GENERATION, json_validate_failed: BAD_GENERATION, output_parse_failed: BAD_GENERATION },
  ...{ request_quota_exceeded: LIMITED, token_quota_exceeded: LIMITED },
  ...{ capacity_exceeded: BUSY, over_capacity: BUSY, queue_exceeded: BUSY, overloaded: BUSY, overloaded_error: BUSY },
  ...{ context_length_exceeded: CALLER, string_above_max_length: CALLER, request_too_large: CALLER },
};

const STATUSES: Readonly<Record<number, Rule>> = {
  ...{ 401: BAD_KEY, 402: NO_CREDIT, 403: { is: 'closed', scope: 'rung', forMs: HOUR_MS } },
  ...{ 404: WRONG_ADDRESS, 405: WRONG_ADDRESS, 410: MODEL_GONE },
  ...{ 408: FAILING, 409: NOT_HERE, 424: NOT_HERE, 425: NOT_HERE, 429: LIMITED, 498: BUSY, 499: NOT_HERE },
  ...{ 400: CALLER, 413: CALLER, 415: CALLER, 422: CALLER },
};

/** Where neither code nor status says what is meant: 400, 403, 404, 422 and 500. The first row that fits counts. */
const WORDS: readonly (readonly [RegExp, Rule])[] = [
  [/no user query found in messages/i, BAD_GENERATION],
  [/fail(ed|ure) to (call a (function|tool)|(generate|validate|parse) (json|tool))/i, BAD_GENERATION],
  [
    /credit balance|insufficient (credits?|funds|balance)|out of credits|key limit exceeded|spend(ing)? limit/i,
    NO_CREDIT,
  ],
  [/organi[sz]ation has been restricted|api key (is |has been )?(expired|disabled|revoked|invalid)/i, BAD_KEY],
  [/invalid api key/i, BAD_KEY],
  [
    /model\b.*\b(not found|does not exist|decommissioned|no longer (supported|available)|not been deployed)/i,
    MODEL_GONE,
  ],
  [
    /upgrade your plan|not (available|enabled|included) (for|on|in|by) (your|this) (plan|tier|account|organi[sz]ation)/i,
    MODEL_GONE,
  ],
  [/requires more system memory/i, { is: 'closed', scope: 'model', forMs: 10 * MINUTE_MS }],
  [/does not support (tools|thinking|images|vision|chat|generate)/i, NOT_HERE],
];
const WORDS_COUNT_AT = new Set([400, 403, 404, 422, 500]);

/**
 * The verdict on the end of an exchange that brought no answer of a model. Order: transport, status and code, kind of the
 * body, words. A status of 200 to 299 is `good` here as long as its body is JSON: `checkAnswer` judges what is in it.
 */
export function classify(reply: RungReply, now: number): RungVerdict {
  if (reply.is === 'failed') return { is: 'next', why: reply.what, counts: true };
  if (reply.status >= 200 && reply.status < 300) return bodyVerdict(reply);
  const error = readErrorBody(reply.body);
  return verdictOf(ruleOf(reply, error), reply, error, now);
}

/** The verdict on an error that came as a piece of a stream, where no status says anything. */
export function classifyStreamError(body: string, now: number): RungVerdict {
  const error = readErrorBody(body);
  const rule = codeRule(error) ?? WORDS.find(([words]) => words.test(error.message))?.[1] ?? FAILING;
  return verdictOf(rule, { is: 'answered', status: 200, headers: {}, body }, error, now);
}

function bodyVerdict({ body }: { body: string }): RungVerdict {
  const start = body.trimStart();
  if (start === '') return { is: 'next', why: 'an empty answer', counts: true };
  if (start.startsWith('<')) return { is: 'next', why: 'a page of HTML instead of an answer', counts: true };
  return { is: 'good' };
}

function codeRule({ code, type }: ErrorBody): Rule | undefined {
  return own(CODES, code) ?? own(CODES, type);
}

function own(rules: Readonly<Record<string, Rule>>, name: string): Rule | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

function ruleOf(
  { status, headers }: { status: number; headers: Readonly<Record<string, string>> },
  error: ErrorBody,
): Rule {
  // 413 of a limit of tokens per minute says nothing against the request: another rung has another limit.
  if (status === 413 && (error.code === 'rate_limit_exceeded' || error.type === 'tokens')) return NOT_HERE;
  const byCode = codeRule(error);
  if (byCode) return byCode;
  if (status === 503 && headers['retry-after'] !== undefined) return { is: 'wait', scope: 'rung', pauseMs: 10_000 };
  if (status === 503 && /maximum pending requests/i.test(error.message))
    return { is: 'wait', scope: 'rung', pauseMs: 2_000 };
  // A page comes from what stands between: it knows neither models nor requests.
  if (error.kind === 'html' && status !== 401 && status !== 402 && status !== 404 && status !== 429) return FAILING;
  if (WORDS_COUNT_AT.has(status)) {
    const byWords = WORDS.find(([words]) => words.test(error.message));
    if (byWords) return byWords[1];
  }
  if (STATUSES[status]) return STATUSES[status];
  if (status >= 500) return FAILING;
  return status >= 400 ? CALLER : WRONG_ADDRESS;
}

function verdictOf(rule: Rule, reply: RungReply & { is: 'answered' }, error: ErrorBody, now: number): RungVerdict {
  const said = error.message || error.code || (error.kind === 'html' ? 'a page of HTML' : 'no words');
  const why = reply.status < 300 ? said : `${reply.status}: ${said}`;
  switch (rule.is) {
    case 'wait':
      return {
        is: 'wait',
        why,
        scope: rule.scope,
        until: now + (pauseAsked(reply.headers, error.message, now) ?? rule.pauseMs),
      };
    case 'closed':
      return { is: 'closed', why, forMs: rule.forMs, scope: rule.scope };
    case 'next':
      return { is: 'next', why, counts: rule.counts };
    case 'unusable':
      return { is: 'unusable', why };
    case 'caller':
      return { is: 'caller', status: reply.status, message: said, code: error.code || null };
  }
}
