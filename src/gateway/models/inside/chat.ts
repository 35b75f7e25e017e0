import type { Time } from '../../../kernel/time.ts';
import { type ChatAnswer, parsedObject, readWholeAnswer, usageBody } from '../chain/chat-answer.ts';
import { believedUsage, checkAnswer, truncation } from '../chain/check-answer.ts';
import { DONE_EVENT, streamOfAnswer, usageEvent } from '../chain/chunks.ts';
import { classify, classifyStreamError } from '../chain/classify.ts';
import { fitRequest } from '../chain/fit-request.ts';
import type { StreamReader } from '../chain/stream-reader.ts';
import { unsupportedIn } from '../chain/unsupported.ts';
import type { CallEstimate, ChatRequest, RungReply, RungVerdict, TokenUsage } from '../ports.ts';
import { type ChatClient, type ChatExchange, createChatExchange, headersOf, SUCCESS_BELOW } from './chat-exchange.ts';
import type { Upstream } from './upstream.ts';
import type { Candidate, TryEnd, WalkEnd } from './walk.ts';

/** A call of chat completions, from the rungs to its client. */
interface ChatCall {
  attempt(candidate: Candidate): Promise<TryEnd>;
  /** Writes the end of the answer, or all of it. */
  finish(end: WalkEnd): void;
  /** The whole answer; undefined: there is none, or it was streamed. */
  answer(): ChatAnswer | undefined;
}

export interface ChatNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  upstream: Upstream;
  keyOf(rung: string): string | undefined;
  /** Parameters that a model of a rung has refused before; the call adds to them. */
  learnt(rung: string, model: string): Set<string>;
}

/** A model that refuses one parameter after the other is asked so often in one try. */
const MOST_REPEATS = 3;

export function createChatCall(
  request: ChatRequest,
  { call, estimate, response }: ChatClient & { estimate: CallEstimate },
  needs: ChatNeeds,
): ChatCall {
  const { time, learnt } = needs;
  const wantsStream = request.stream === true;
  let answer: ReturnType<typeof readWholeAnswer> = null;
  let reader: StreamReader | undefined;

  const headOf = ({ model }: Candidate) => ({
    id: `chatcmpl-${call.id}`,
    created: Math.floor(time.now() / 1_000),
    model: model.name,
  });

  const exchange = createChatExchange(
    { call, response },
    { wantsStream, maxTokens: estimate.maxTokens },
    { ...needs, headOf },
  );

  async function attempt(candidate: Candidate): Promise<TryEnd> {
    const { rung, model } = candidate;
    const known = learnt(rung.name, model.name);
    for (let repeats = 0; ; repeats++) {
      const fitted = fitRequest(request, rung, model, { estimate, learnt: known });
      if (fitted.is === 'unfit')
        return { verdict: fitted.verdict, usage: null, mayBeBilled: false, ms: null, hasBegun: false };
      const got = await exchange(candidate, fitted);
      call.signal.throwIfAborted();
      const unsupported = repeats < MOST_REPEATS ? unsupportedIn(replyOf(got), fitted.body) : [];
      if (unsupported.length === 0) return endOf(candidate, got);
      for (const name of unsupported) known.add(name);
    }
  }

  function endOf(candidate: Candidate, got: ChatExchange): TryEnd {
    reader = got.reader;
    const { verdict, usage } = reader ? streamEnd(candidate, got, reader) : wholeEnd(candidate, got);
    const isSuccess = got.status >= 200 && got.status < SUCCESS_BELOW;
    const mayBeBilled =
      usage === null && (got.end.is === 'failed' ? got.end.isSent && got.end.how !== 'connect' : isSuccess);
    return {
      verdict,
      usage: believedUsage(usage, estimate),
      mayBeBilled,
      ms: got.ms,
      hasBegun: response?.headersSent === true,
    };
  }

  function streamEnd(
    candidate: Candidate,
    got: ChatExchange,
    { seen, verdict }: StreamReader,
  ): { verdict: RungVerdict; usage: TokenUsage | null } {
    const { usage } = seen;
    if (got.end.is === 'failed' && !seen.isOver)
      return { verdict: { is: 'next', why: got.end.what, counts: true }, usage };
    const found = verdict(time.now());
    if (found.is === 'good' && !wantsStream) {
      answer = got.collector.answer(seen, headOf(candidate));
      return { verdict: checkAnswer(answer.answer, request), usage };
    }
    const cut = found.is === 'good' ? truncation(usage, request) : null;
    return { verdict: cut === null ? found : { is: 'unusable', why: cut }, usage };
  }

  function wholeEnd(candidate: Candidate, got: ChatExchange): { verdict: RungVerdict; usage: TokenUsage | null } {
    const verdict = classify(replyOf(got), time.now());
    if (verdict.is !== 'good') return { verdict, usage: null };
    const read = readWholeAnswer(candidate.rung.kind, got.body, headOf(candidate));
    if (read === null) return { verdict: noAnswer(got.body), usage: null };
    answer = read;
    return { verdict: checkAnswer(read.answer, request), usage: read.answer.usage };
  }

  /** The status of success, and no answer of a model. */
  function noAnswer(body: string): RungVerdict {
    if (parsedObject(body)?.error) return classifyStreamError(body, time.now());
    return { is: 'next', why: 'an answer that was cut off', counts: true };
  }

  function finish(end: WalkEnd) {
    if (!response) return;
    const usage = { ...usageBody(end.usage ?? { promptTokens: 0, completionTokens: 0 }), money: end.money };
    if (!wantsStream) {
      response.writeHead(200, { ...headersOf(end, call), 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...(answer?.body ?? {}), usage }));
      return;
    }
    if (!response.headersSent)
      response.writeHead(200, { ...headersOf(end, call), 'content-type': 'text/event-stream; charset=utf-8' });
    const head = reader?.seen.head ?? headOf(end);
    if (!reader && answer) response.write(streamOfAnswer(answer.answer, head));
    if (request.stream_options?.include_usage && end.usage) response.write(usageEvent(head, end.usage, end.money ?? 0));
    response.end(DONE_EVENT);
  }

  return { attempt, finish, answer: () => answer?.answer };
}

function replyOf({ end, status, headers, body }: ChatExchange): RungReply {
  if (end.is === 'ended') return { is: 'answered', status, headers, body };
  return { is: 'failed', how: end.how === 'aborted' ? 'cut' : end.how, what: end.what };
}
