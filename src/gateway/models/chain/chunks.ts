import type { TokenUsage } from '../ports.ts';
import { type AnswerHead, type ChatAnswer, usageBody } from './chat-answer.ts';

/** The last event of a stream that ended well. */
export const DONE_EVENT = 'data: [DONE]\n\n';

/** An event of a stream in OpenAI's form. */
export function chunkEvent(head: AnswerHead, delta: object, finish: string | null = null): string {
  return event(head, { choices: [{ index: 0, delta, finish_reason: finish }] });
}

/** The event with the usage of a stream, for callers that ask for it; `money` is what the call has cost. */
export function usageEvent(head: AnswerHead, usage: TokenUsage, money: number): string {
  return event(head, { choices: [], usage: { ...usageBody(usage), money } });
}

/** The event by which a stream fails after its first token; no `[DONE]` follows. */
export function errorEvent(error: { message: string; type: string; code: string }): string {
  return `data: ${JSON.stringify({ error: { ...error, param: null } })}\n\n`;
}

/** The stream that a whole answer would have been, without usage and `[DONE]`, of a rung that could not stream it. */
export function streamOfAnswer(answer: ChatAnswer, head: AnswerHead): string {
  const { text, reasoning, toolCalls } = answer;
  const calls = toolCalls.map(({ id, name, arguments: given }, index) => ({
    ...{ index, id, type: 'function', function: { name, arguments: given } },
  }));
  return [
    chunkEvent(head, { role: 'assistant', content: '' }),
    reasoning ? chunkEvent(head, { reasoning }) : '',
    text ? chunkEvent(head, { content: text }) : '',
    calls.length > 0 ? chunkEvent(head, { tool_calls: calls }) : '',
    chunkEvent(head, {}, answer.finish ?? 'stop'),
  ].join('');
}

function event(head: AnswerHead, rest: object): string {
  const { id, created, model } = head;
  return `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, ...rest })}\n\n`;
}
