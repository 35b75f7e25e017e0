import { describe, expect, it } from 'vitest';
import { classify, classifyStreamError } from '../../../../src/gateway/models/chain/classify.ts';
import { unsupportedIn } from '../../../../src/gateway/models/chain/unsupported.ts';
import type { RungReply, RungVerdict } from '../../../../src/gateway/models/ports.ts';
import { errorBody, FAULT_NAMES, type FaultName, faultNamed, type Provider } from '../servers/faults.ts';

const NOW = Date.UTC(2026, 10, 27, 12);
const HOUR = 3_600_000;
const PROVIDERS: readonly Provider[] = ['groq', 'cerebras', 'ollama'];

type Short = readonly [is: RungVerdict['is'], more?: unknown];
const wait = (ms: number, scope = 'model'): Short => ['wait', [ms, scope]];
const closed = (scope: 'model' | 'rung', hours: number): Short => ['closed', [scope, hours * HOUR]];
const next = (counts: boolean): Short => ['next', counts];

/** One line for each documented fault that shows itself by status, code and body. The second: where Ollama differs. */
const TABLE: Partial<Record<FaultName, readonly [Short, Partial<Record<Provider, Short>>?]>> = {
  '429 seconds': [wait(3_000)],
  '429 reset': [wait(1_570), { cerebras: wait(2_383) }],
  '429 day': [wait(3_720_000), { cerebras: wait(33_011_383) }],
  '429 date': [wait(4_000)],
  '429 absurd': [wait(30_000)],
  '429 bare': [wait(30_000)],
  '429 queue': [wait(10_000), { ollama: wait(30_000) }],
  '401': [closed('rung', 6)],
  '402': [closed('rung', 6)],
  '403': [closed('rung', 1)],
  '403 budget': [closed('rung', 6)],
  '404 model': [closed('model', 12)],
  '400 decommissioned': [closed('model', 12)],
  '400 restricted': [closed('rung', 6)],
  '400 spend limit': [closed('rung', 6)],
  '400 credit': [closed('rung', 6)],
  '400 plan': [closed('model', 12)],
  '400 tool_use_failed': [['unusable']],
  '400 json_validate_failed': [['unusable']],
  '400 context': [['caller', 400]],
  '400 max_tokens': [['caller', 400]],
  '400 unsupported': [['caller', 400]],
  '400 effort': [['caller', 400]],
  '413 tokens': [next(false), { ollama: ['caller', 413] }],
  '413 bytes': [['caller', 413]],
  '422': [['caller', 422]],
  '424': [next(false)],
  '498': [wait(10_000)],
  '499': [next(false)],
  '500': [next(true)],
  '500 truncated': [['unusable']],
  '502 html': [next(true)],
  '503': [next(true), { ollama: wait(2_000, 'rung') }],
  '529': [wait(10_000), { ollama: next(true) }],
  html: [next(true)],
  'empty body': [next(true)],
  'half a body': [['good']],
};

function replyOf(name: FaultName, provider: Provider): RungReply | undefined {
  const fault = faultNamed(name, provider, NOW);
  if (!('status' in fault)) return undefined;
  const body = typeof fault.body === 'string' ? fault.body : JSON.stringify(fault.body);
  return { is: 'answered', status: fault.status, headers: fault.headers ?? {}, body };
}

function short(verdict: RungVerdict): Short {
  switch (verdict.is) {
    case 'wait':
      return ['wait', [verdict.until - NOW, verdict.scope]];
    case 'closed':
      return ['closed', [verdict.scope, verdict.forMs]];
    case 'next':
      return ['next', verdict.counts];
    case 'caller':
      return ['caller', verdict.status];
    default:
      return [verdict.is];
  }
}

const answered = (status: number, body: unknown, headers: Record<string, string> = {}): RungReply => ({
  ...{ is: 'answered', status, headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});
const verdictOn = (status: number, body: unknown, headers?: Record<string, string>) =>
  short(classify(answered(status, body, headers), NOW));

describe('the verdict on an answer', () => {
  for (const provider of PROVIDERS)
    it(`is the documented one for each fault of ${provider}`, () => {
      const found = FAULT_NAMES.flatMap((name) => {
        const reply = replyOf(name, provider);
        return reply ? [[name, short(classify(reply, NOW))]] : [];
      });
      const wanted = FAULT_NAMES.filter((name) => replyOf(name, provider)).map((name) => {
        const [all, own] = TABLE[name]!;
        return [name, own?.[provider] ?? all];
      });
      expect(found).toEqual(wanted);
    });

  it('is transport first: no connection, no token in time, a cut connection count as failures', () => {
    for (const how of ['connect', 'timeout', 'cut'] as const)
      expect(classify({ is: 'failed', how, what: 'ECONNREFUSED' }, NOW)).toEqual({
        ...{ is: 'next', why: 'ECONNREFUSED', counts: true },
      });
  });

  it('reads both forms of errors by their code, whatever the status says', () => {
    for (const body of [
      { error: { message: 'no', code: 'insufficient_quota' } },
      { message: 'no', code: 'insufficient_quota' },
    ]) {
      expect(verdictOn(429, body)).toEqual(closed('rung', 6));
      expect(verdictOn(403, body)).toEqual(closed('rung', 6));
    }
    expect(verdictOn(400, { error: { message: 'x', type: 'authentication_error' } })).toEqual(closed('rung', 6));
    expect(verdictOn(403, { error: { message: 'x', code: 'model_permission_blocked_org' } })).toEqual(
      closed('model', 12),
    );
    expect(verdictOn(429, { detail: 'slow down' })).toEqual(wait(30_000));
    expect(verdictOn(400, [{ error: { code: 404, message: 'models/x is not found' } }])).toEqual(['caller', 400]);
  });

  it('takes words only where status and code say nothing: "quota" in a 429 is a limit, in words of a caller nothing', () => {
    expect(verdictOn(429, { error: { message: 'You exceeded your quota limit, insufficient funds' } })).toEqual(
      wait(30_000),
    );
    expect(verdictOn(422, { error: { message: 'property quota of the tool is not an object' } })).toEqual([
      'caller',
      422,
    ]);
    expect(verdictOn(503, { error: { message: 'the model does not exist on this node yet' } })).toEqual(next(true));
    expect(verdictOn(400, { error: 'registry.ollama.ai/library/gemma does not support tools' })).toEqual(next(false));
    expect(
      verdictOn(500, { error: 'model requires more system memory (12.0 GiB) than is available (5.6 GiB)' }),
    ).toEqual(closed('model', 1 / 6));
  });

  it('knows pages of HTML from what stands between: they are failures, unless the status alone is enough', () => {
    const page = '<html><head><title>403 Forbidden</title></head></html>';
    expect(verdictOn(403, page)).toEqual(next(true));
    expect(verdictOn(400, page)).toEqual(next(true));
    expect(verdictOn(402, page)).toEqual(closed('rung', 6));
    expect(verdictOn(404, page)).toEqual(closed('rung', 1));
    expect(verdictOn(429, page)).toEqual(wait(30_000));
    expect(verdictOn(301, '')).toEqual(closed('rung', 1));
  });

  it('obeys Retry-After of a 503 as a pause of the rung, and counts a 5xx without one', () => {
    expect(verdictOn(503, '', { 'retry-after': '7' })).toEqual(wait(7_000, 'rung'));
    for (const status of [500, 502, 503, 504, 520, 524]) expect(verdictOn(status, '')).toEqual(next(true));
  });

  it('keeps the words of the provider for the caller, on one line and bounded', () => {
    const reply = answered(400, {
      error: { message: `too\nlong ${'x'.repeat(5_000)}`, code: 'string_above_max_length' },
    });
    const verdict = classify(reply, NOW);
    expect(verdict).toMatchObject({ is: 'caller', status: 400, code: 'string_above_max_length' });
    expect((verdict as { message: string }).message).toMatch(/^too long x{490,}$/);
  });

  it('judges an error within a stream by code and words; without either it is a failure', () => {
    const on = (body: unknown) => short(classifyStreamError(JSON.stringify(body), NOW));
    expect(on({ error: { message: 'Over capacity', code: 'over_capacity' } })).toEqual(wait(10_000));
    expect(on({ error: { message: 'x', code: 'tool_use_failed' } })).toEqual(['unusable']);
    expect(on({ error: 'an error was encountered while running the model' })).toEqual(next(true));
  });
});

describe('a parameter that a provider does not know', () => {
  const body = {
    ...{
      model: 'm',
      messages: [],
      frequency_penalty: 1,
      reasoning_effort: 'none',
      parallel_tool_calls: true,
      max_tokens: 5,
    },
    ...{ think: 'low', stream: true, response_format: { type: 'json_schema' }, temperature: 3, tools: [] },
  };
  const named = (message: string, more = {}, status = 400) =>
    unsupportedIn(answered(status, { error: { message, ...more } }), body);

  it('is named by the answer', () => {
    expect(named("property 'frequency_penalty' is unsupported")).toEqual(['frequency_penalty']);
    expect(named('`reasoning_effort` must be one of `low`, `medium`, or `high`')).toEqual(['reasoning_effort']);
    expect(named('Unsupported parameter: parallel_tool_calls', {}, 422)).toEqual(['parallel_tool_calls']);
    expect(named("'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")).toEqual([
      'max_tokens',
    ]);
    expect(named('no', { code: 'unsupported_value', param: 'temperature' })).toEqual(['temperature']);
    expect(named('This model does not support response format `json_schema`')).toEqual(['json_schema']);
    expect(named('Streaming is not supported with tools or JSON mode')).toEqual(['stream']);
    const strict = { tools: [{ function: { name: 'a', strict: true } }] };
    expect(
      unsupportedIn(answered(400, { message: "'required' must have each property of a strict tool" }), strict),
    ).toEqual(['strict']);
    expect(unsupportedIn(answered(400, { message: 'the strict tool is odd' }), { tools: [{ function: {} }] })).toEqual(
      [],
    );
    expect(unsupportedIn(answered(400, { error: '"gemma4:31b" does not support thinking' }), body)).toEqual(['think']);
  });

  it('is none that changes what was asked, none that was not sent, and none of another fault', () => {
    expect(named("property 'messages' is unsupported")).toEqual([]);
    expect(named('Unsupported parameter: tools')).toEqual([]);
    expect(named("property 'logit_bias' is unsupported")).toEqual([]);
    expect(named('`temperature` must be less than 2')).toEqual([]);
    expect(named("property 'frequency_penalty' is unsupported", {}, 500)).toEqual([]);
    for (const provider of PROVIDERS)
      expect(
        unsupportedIn(answered(400, errorBody(provider, 'Please reduce the length of the messages')), body),
      ).toEqual([]);
  });
});
