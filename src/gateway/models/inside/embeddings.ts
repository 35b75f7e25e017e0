import type { ServerResponse } from 'node:http';
import type { Time } from '../../../kernel/time.ts';
import { usageIn } from '../chain/chat-answer.ts';
import { classify } from '../chain/classify.ts';
import { fitEmbeddings, readEmbeddings } from '../chain/embeddings.ts';
import type { TokenUsage } from '../ports.ts';
import { ApiError } from './api-error.ts';
import type { ClientCall } from './client-calls.ts';
import type { Upstream } from './upstream.ts';
import type { Candidate, TryEnd, WalkEnd } from './walk.ts';

/** A call of embeddings, from the rungs to its client. */
interface EmbeddingsCall {
  attempt(candidate: Candidate): Promise<TryEnd>;
  finish(end: WalkEnd): void;
}

interface EmbeddingsNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  upstream: Upstream;
  keyOf(rung: string): string | undefined;
}

const MOST_TEXTS = 2_048;

/** The texts of a request for embeddings. Throws an {@link ApiError} for what is none. */
export function textsOf({ input }: Record<string, unknown>): string[] {
  const texts = typeof input === 'string' ? [input] : input;
  const isList = Array.isArray(texts) && texts.length > 0 && texts.length <= MOST_TEXTS;
  if (isList && texts.every((one) => typeof one === 'string' && one !== '')) return texts as string[];
  throw new ApiError(400, 'invalid_input', `input: expected a text, or a list of 1 to ${MOST_TEXTS} texts`);
}

export function createEmbeddingsCall(
  request: Record<string, unknown>,
  { call, response }: { call: ClientCall; response: ServerResponse },
  { time, upstream, keyOf }: EmbeddingsNeeds,
): EmbeddingsCall {
  const input = textsOf(request);
  let answer: Record<string, unknown> | null = null;

  async function attempt({ rung, model }: Candidate): Promise<TryEnd> {
    const startedAt = time.monotonic();
    const parts: Buffer[] = [];
    const head = { status: 0, headers: {} as Readonly<Record<string, string>> };
    const fitted = fitEmbeddings({ ...request, input, model: model.name }, rung, model.name);
    const end = await upstream.send(
      {
        method: 'POST',
        url: `${rung.url}${fitted.path}`,
        key: keyOf(rung.name),
        body: JSON.stringify(fitted.body),
        ...{ timeoutMs: rung.timeoutMs, idleMs: rung.idleMs, signal: call.signal },
      },
      {
        head: (status, headers) => Object.assign(head, { status, headers }),
        bytes(piece) {
          parts.push(piece);
          return 'more';
        },
      },
    );
    call.signal.throwIfAborted();
    const ms = time.monotonic() - startedAt;
    const text = Buffer.concat(parts).toString();
    const reply =
      end.is === 'failed'
        ? ({ is: 'failed', how: end.how === 'aborted' ? 'cut' : end.how, what: end.what } as const)
        : ({ is: 'answered', ...head, body: text } as const);
    const none = { usage: null, hasBegun: false, ms, mayBeBilled: end.is === 'failed' && end.isSent };
    const verdict = classify(reply, time.now());
    if (verdict.is !== 'good') return { ...none, verdict };
    answer = readEmbeddings(text, model.name);
    if (!Array.isArray(answer?.data) || answer.data.length !== input.length)
      return { ...none, verdict: { is: 'unusable', why: 'not an embedding for each text' } };
    return { ...none, verdict, usage: usageOf(answer), mayBeBilled: true };
  }

  return {
    attempt,
    finish({ rung, model, usage, money }) {
      const promptTokens = usage?.promptTokens ?? 0;
      const counted = { prompt_tokens: promptTokens, total_tokens: promptTokens, money };
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-daruma-rung': rung.name,
        'x-daruma-model': model.name,
        'x-daruma-call': call.id,
      });
      response.end(JSON.stringify({ ...answer, usage: counted }));
    },
  };
}

/** Embeddings have no tokens of an answer. */
function usageOf({ usage }: Record<string, unknown>): TokenUsage | null {
  return usageIn({ usage: { ...(usage as object | undefined), completion_tokens: 0 } });
}
