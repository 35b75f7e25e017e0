import { Fault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Llm, LlmAnswer, LlmMessage, LlmOptions } from '../../plugin/llm.ts';
import type { ModelAccess } from '../ports.ts';
import { askedAt } from './calls.ts';
import { gatewayGone, readAnswer, refusalOf } from './llm-answer.ts';
import { type LlmOrder, llmOrder } from './llm-request.ts';

interface LlmNeeds {
  time: Time;
  access: ModelAccess;
  /** The attempt that asks. */
  attempt: { id: string; attempt: number };
  /** Of the attempt. */
  signal(): AbortSignal;
  /** Throws when the attempt has ended. */
  mustBeOpen(): void;
  /** A sign of life: of the plugin, which called, or of the gateway, which answered. */
  progress(): void;
}

/** Names the call whose answer its caller could not use: the gateway begins with the rung after it. */
const AFTER = 'x-daruma-after';

/** `context.llm` of one attempt. */
export function createContextLlm(needs: LlmNeeds): Llm {
  const { time, access, attempt, progress } = needs;
  const { baseURL, model } = access;
  const apiKey = `dk-${access.key}.${attempt.id}.${attempt.attempt}`;

  async function ask(order: LlmOrder, stop: AbortSignal, after: string | undefined): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${apiKey}`,
      ...(after === undefined ? {} : { [AFTER]: after }),
    };
    try {
      return await globalThis.fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers,
        body: order.body,
        signal: stop,
      });
    } catch (error) {
      throw stop.aborted || error instanceof Fault ? error : gatewayGone(error, time.now());
    }
  }

  /** A second call where the first answer does not fit: another rung may do better. */
  async function answered(order: LlmOrder, stop: AbortSignal): Promise<LlmAnswer<unknown>> {
    let after: string | undefined;
    for (;;) {
      const response = await ask(order, stop, after);
      const text = await response.text();
      progress();
      if (!response.ok) throw refusalOf(response.status, text);
      const read = await readAnswer(text, response.headers, order);
      if ('answer' in read) return read.answer;
      const call = response.headers.get('x-daruma-call') ?? '';
      if (after !== undefined) throw unusable(read.problem, response.headers);
      after = call;
    }
  }

  async function chat(messages: string | LlmMessage[], options?: LlmOptions): Promise<LlmAnswer<unknown>> {
    needs.mustBeOpen();
    const asked = new Error();
    progress();
    const order = await llmOrder(messages, options);
    const { timeoutMs, signal } = order;
    const ending = new AbortController();
    const disarm = timeoutMs === null ? undefined : time.after(timeoutMs, () => ending.abort());
    try {
      return await answered(order, AbortSignal.any([needs.signal(), ending.signal, ...(signal ? [signal] : [])]));
    } catch (error) {
      if (ending.signal.aborted) throw askedAt(tooSlow(timeoutMs!), asked);
      throw error instanceof Fault ? askedAt(error, asked) : error;
    } finally {
      disarm?.();
    }
  }

  return { chat: chat as Llm['chat'], baseURL, apiKey, model };
}

function unusable(problem: string, headers: Headers): Fault {
  const rung = headers.get('x-daruma-rung');
  const model = headers.get('x-daruma-model');
  return new Fault({
    code: 'ANSWER_UNUSABLE',
    message: `asked twice, and ${problem}`,
    next: 'say in the messages what a good answer looks like, or ask for less: a smaller schema, more maxTokens',
    data: { rung, model },
  });
}

function tooSlow(timeoutMs: number): Fault {
  return new Fault({
    code: 'MODEL_TIMEOUT',
    message: `no model answered within ${formatDuration(timeoutMs)}`,
    next: 'give it more time (timeout), or ask for less (maxTokens, effort)',
    data: { timeoutMs },
  });
}
