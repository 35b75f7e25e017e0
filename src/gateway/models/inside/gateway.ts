import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Rung } from '../../../kernel/rung.ts';
import type { Time } from '../../../kernel/time.ts';
import { estimateTextTokens, estimateTokens } from '../chain/estimate-tokens.ts';
import { answerUnusable } from '../faults.ts';
import type { CallEstimate, ChatRequest, ModelFacts } from '../ports.ts';
import type { ProviderKeys, ToGateway } from '../wire.ts';
import { ApiError } from './api-error.ts';
import { createCandidates } from './candidates.ts';
import { createChatCall } from './chat.ts';
import { createCheck } from './check.ts';
import { type ClientCall, createClientCalls } from './client-calls.ts';
import { createCoolDowns } from './cool-downs.ts';
import { createEmbeddingsCall, textsOf } from './embeddings.ts';
import type { GatewayLink, HostAnswer } from './host-link.ts';
import { createModelLists } from './model-lists.ts';
import { createModelServer, listenOn, readObject } from './server.ts';
import { createUpstream } from './upstream.ts';
import { type Candidates, createWalk, type TryEnd, type WalkEnd } from './walk.ts';
import { createWorkerKeys } from './worker-keys.ts';

/** The rung that answered a call. */
interface PastCall {
  rung: string;
  model: string;
}

/** The newest calls that were answered: their callers may say that an answer was of no use. */
interface PastCalls {
  add(id: string, call: PastCall): void;
  /** Forgets the call. undefined: it is unknown, or too old. */
  take(id: string): PastCall | undefined;
}

const MOST_KEPT = 1_000;

/** The gateway behind its pipe: it answers workers over HTTP, and asks the host before anything goes out. */
export interface Gateway {
  receive(message: Exclude<ToGateway, HostAnswer | { do: 'ping' | 'begin' }>): void;
  /** Resolves with the port. */
  listen(ports: readonly number[]): Promise<number>;
  /** Asks the providers for their models. */
  resolve(): void;
}

interface GatewayNeeds {
  time: Time;
  link: GatewayLink;
  /** No call is open, and none was for a while: memory may go back. */
  idle(): void;
}

/** The tokens of an answer whose caller names no limit. */
const MAX_TOKENS = 1_000;
const MOST_TOKENS = 1_000_000;

/** A call of one kind: how a rung is tried, and how the answer is written. */
interface Exchange {
  attempt(candidate: { rung: Rung; model: ModelFacts }): Promise<TryEnd>;
  finish(end: WalkEnd): void;
}

export function createGateway(
  { time, link, idle }: GatewayNeeds,
  { terms, keys: firstKeys, off: firstOff, workers }: Extract<ToGateway, { do: 'begin' }>,
): Gateway {
  const { rungs, remembered } = terms;
  let keys: ProviderKeys = firstKeys;
  let off: Readonly<Record<string, string>> = firstOff;
  const keyOf = (rung: string) => keys[rung];
  const workerKeys = createWorkerKeys();
  workerKeys.add(workers);
  const clientCalls = createClientCalls({ time, idle });
  const pastCalls = createPastCalls();
  const upstream = createUpstream(time);
  const coolDowns = createCoolDowns(time, (message) => link.send(message));
  const lists = createModelLists(rungs, {
    time,
    upstream,
    keyOf,
    isOff: (rung) => rung in off,
    remembered,
    resolved: (message) => link.send(message),
  });
  const candidates = createCandidates({ rungs, lists, coolDowns, offOf: (rung) => off[rung] });
  const learntOf = new Map<string, Set<string>>();
  const learnt = (rung: string, model: string) => {
    const key = `${rung} ${model}`;
    const known = learntOf.get(key) ?? new Set<string>();
    learntOf.set(key, known);
    return known;
  };
  const exchange = { time, upstream, keyOf, learnt };
  const check = createCheck({ time, link, coolDowns, exchange, candidates });
  const server = createModelServer(answer);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    const route = `${request.method} ${path}`;
    const caller = workerKeys.callerOf(request.headers.authorization);
    if (!caller) throw new ApiError(401, 'invalid_api_key', 'the key is none of a running worker');
    if (route === 'GET /v1/models') return listModels(response);
    if (route !== 'POST /v1/chat/completions' && route !== 'POST /v1/embeddings')
      throw new ApiError(404, 'unknown_url', `nothing answers ${route}`);
    const call = clientCalls.open(caller);
    if (!call) throw new ApiError(503, 'TOO_BUSY', 'too many calls are open', { retryAfterMs: 1_000 });
    // A client that goes away takes the call upstream with it; an attempt that ended its client.
    response.on('close', () => call.abort('its client is gone'));
    call.signal.addEventListener('abort', () => response.destroy());
    try {
      const body = await readObject(request);
      if (path === '/v1/embeddings') await embeddings(call, body, response);
      else await chat(call, body, request, response);
    } finally {
      clientCalls.close(call);
    }
  }

  async function chat(
    call: ClientCall,
    body: Record<string, unknown>,
    { headers }: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const asked = chatRequestOf(body);
    const estimate = estimateOf(asked);
    const all = candidates.chat(asked.model);
    await run(
      call,
      asked.model,
      estimate,
      after(all, headers['x-daruma-after']),
      createChatCall(asked, { call, estimate, response }, exchange),
    );
  }

  /** The rungs behind the one whose answer was of no use to its caller. Throws `ANSWER_UNUSABLE` where there is none. */
  function after(all: Candidates, id: string | string[] | undefined): Candidates {
    const past = typeof id === 'string' ? pastCalls.take(id) : undefined;
    if (!past) return all;
    link.send({ say: 'unfit', ...past });
    const at = all.rungs.findIndex(({ rung }) => rung.name === past.rung);
    if (at < 0) return all;
    const before = all.rungs.slice(0, at + 1);
    const skipped = before.map(({ rung }) => ({ name: rung.name, why: 'its answer was of no use', retryAt: null }));
    // The chain is not down: it has answered, and there is nobody else to ask.
    if (before.length === all.rungs.length) throw ApiError.ofFault(answerUnusable(skipped), time.now());
    return { rungs: all.rungs.slice(at + 1), skipped: [...all.skipped, ...skipped] };
  }

  async function embeddings(call: ClientCall, body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const model = typeof body.model === 'string' ? body.model : 'auto';
    const promptTokens = textsOf(body).reduce((sum, text) => sum + estimateTextTokens(text), 0);
    const made = createEmbeddingsCall(body, { call, response }, exchange);
    await run(call, model, { promptTokens, maxTokens: 0 }, candidates.embeddings(model), made);
  }

  async function run(call: ClientCall, model: string, estimate: CallEstimate, all: Candidates, made: Exchange) {
    const asked = { call, model, estimate, ...all, attempt: made.attempt };
    const end = await createWalk(asked, { time, link, coolDowns }).run();
    pastCalls.add(call.id, { rung: end.rung.name, model: end.model.name });
    made.finish(end);
  }

  function listModels(response: ServerResponse) {
    const names = [
      'auto',
      ...rungs.flatMap((rung) => [rung.name, ...lists.chat(rung).map(({ name }) => `${rung.name}/${name}`)]),
    ];
    const data = names.map((id) => ({ id, object: 'model', created: 0, owned_by: id.split('/')[0] }));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data }));
  }

  return {
    receive(message) {
      if (message.do === 'keys') {
        for (const { name } of rungs) if (keys[name] !== message.keys[name]) coolDowns.forget(name);
        keys = message.keys;
        off = message.off;
        void lists.resolve();
      } else if (message.do === 'workers') {
        workerKeys.remove(message.remove);
        workerKeys.add(message.add);
      } else if (message.do === 'attempts ended') clientCalls.ended(message.attempts);
      else if (message.do === 'resolve') void lists.resolve();
      else void check(message);
    },
    listen: (ports) => listenOn(server, ports),
    resolve: () => void lists.resolve(),
  };
}

/** A request for chat completions. Throws an {@link ApiError} for what is none. */
function chatRequestOf(body: Record<string, unknown>): ChatRequest {
  const { messages, model = 'auto' } = body;
  const isList = Array.isArray(messages) && messages.length > 0;
  if (!isList || messages.some((one) => typeof one !== 'object' || one === null || typeof one.role !== 'string'))
    throw new ApiError(400, 'invalid_messages', 'messages: expected a list of messages, each with a role');
  if (typeof model !== 'string') throw new ApiError(400, 'invalid_model', 'model: expected a text');
  return { ...body, messages, model } as ChatRequest;
}

function estimateOf({ messages, tools, max_completion_tokens, max_tokens }: ChatRequest): CallEstimate {
  const maxTokens = max_completion_tokens ?? max_tokens ?? MAX_TOKENS;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1 || maxTokens > MOST_TOKENS)
    throw new ApiError(400, 'invalid_max_tokens', `max_tokens: expected a whole number from 1 to ${MOST_TOKENS}`);
  return { promptTokens: estimateTokens(messages, Array.isArray(tools) ? tools : []), maxTokens };
}

function createPastCalls(): PastCalls {
  const calls = new Map<string, PastCall>();
  return {
    add(id, call) {
      calls.set(id, call);
      if (calls.size > MOST_KEPT) calls.delete(calls.keys().next().value!);
    },
    take(id) {
      const found = calls.get(id);
      calls.delete(id);
      return found;
    },
  };
}
