import { toPlainFault } from '../../../kernel/fault.ts';
import type { Time } from '../../../kernel/time.ts';
import { estimateTokens } from '../chain/estimate-tokens.ts';
import { CHECK_JOB, CHECK_WORKER } from '../faults.ts';
import type { ChatRequest, CheckKind, CheckResult } from '../ports.ts';
import type { ToGateway } from '../wire.ts';
import type { CallCandidates } from './candidates.ts';
import { type ChatNeeds, createChatCall } from './chat.ts';
import { createClientCalls } from './client-calls.ts';
import type { CoolDowns } from './cool-downs.ts';
import type { GatewayLink } from './host-link.ts';
import { createWalk } from './walk.ts';

interface CheckNeeds {
  time: Time;
  link: GatewayLink;
  coolDowns: CoolDowns;
  exchange: ChatNeeds;
  candidates: CallCandidates;
}

/** The longest check, in ms. */
const CHECK_MS = 60_000;
/** Enough for a model that thinks before it says two words. */
const MAX_TOKENS = 300;

const TOOL = {
  type: 'function',
  function: {
    name: 'add',
    description: 'Adds two numbers',
    parameters: {
      type: 'object',
      properties: { a: { type: 'number' }, b: { type: 'number' } },
      required: ['a', 'b'],
      additionalProperties: false,
    },
  },
};
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

const REQUESTS: Readonly<Record<CheckKind, Partial<ChatRequest>>> = {
  plain: { messages: [{ role: 'user', content: 'Answer with one word: ready' }] },
  tool: {
    messages: [{ role: 'user', content: 'Add 19 and 23 with the tool.' }],
    tools: [TOOL],
    tool_choice: 'required',
  },
  json: {
    messages: [{ role: 'user', content: 'Name the capital of France as JSON: {"city": "…"}' }],
    response_format: { type: 'json_schema', json_schema: { name: 'city', strict: true, schema: SCHEMA } },
  },
};

const NO_HOLDS = new Map();

/** Proves a rung by one small call, which is metered as any other; pauses of the rung do not keep it back. */
export function createCheck({ time, link, coolDowns, exchange, candidates }: CheckNeeds) {
  const calls = createClientCalls({ time, idle: () => {} });

  async function prove(rung: string, kind: CheckKind): Promise<Omit<CheckResult, 'tookMs'>> {
    const candidate = candidates.alone(rung);
    if (!candidate) return { ok: false, usage: null, model: null, why: 'it is off, or has none of its models' };
    const call = calls.open({ worker: CHECK_WORKER, agent: '', job: CHECK_JOB, attempt: 0 });
    if (!call) return { ok: false, usage: null, model: null, why: 'too many checks at once' };
    const stop = time.after(CHECK_MS, () => call.abort(`no answer within ${CHECK_MS / 1_000}s`));
    const model = candidate.models[0]!.name;
    const request = { ...REQUESTS[kind], model: rung, max_tokens: MAX_TOKENS } as ChatRequest;
    const estimate = { promptTokens: estimateTokens(request.messages, request.tools), maxTokens: MAX_TOKENS };
    const chat = createChatCall(request, { call, estimate, response: null }, exchange);
    try {
      const asked = { call, model: rung, estimate, rungs: [candidate], skipped: [], attempt: chat.attempt };
      const { usage } = await createWalk(asked, {
        time,
        link,
        coolDowns: { ...coolDowns, holds: () => NO_HOLDS },
      }).run();
      const wrong = kind === 'tool' && chat.answer()?.toolCalls.length === 0 ? 'no call of the tool' : null;
      return { ok: wrong === null, usage, model, why: wrong };
    } catch (error) {
      return { ok: false, usage: null, model, why: toPlainFault(error).message.slice(0, 1_000) };
    } finally {
      stop();
      calls.close(call);
    }
  }

  return async ({ id, rung, kind }: Extract<ToGateway, { do: 'check' }>): Promise<void> => {
    const startedAt = time.monotonic();
    const result = await prove(rung, kind);
    link.send({ say: 'checked', id, ...result, tookMs: time.monotonic() - startedAt });
  };
}
