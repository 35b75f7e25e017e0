import { type AnswerHead, type ChatAnswer, parsedObject, type WholeAnswer, wholeOf } from './chat-answer.ts';
import type { StreamSeen } from './stream-reader.ts';

/**
 * Puts a whole answer together from what a reader of streams gives, for callers that want it whole. Rungs are asked to stream
 * all the same: a rung that hangs is known by its first token, and one that is slow is waited for.
 */
export interface AnswerCollector {
  /** Takes whole events. */
  take(events: Buffer): void;
  answer(seen: StreamSeen, head: AnswerHead): WholeAnswer;
}

interface CallDelta {
  index?: number;
  id?: string;
  function?: { name?: string; arguments?: string };
}

export function createAnswerCollector(): AnswerCollector {
  let text = '';
  let reasoning = '';
  const calls: { id: string; name: string; arguments: string }[] = [];

  function takeDelta(delta: Record<string, unknown>) {
    text += textOf(delta.content) + textOf(delta.refusal);
    reasoning += textOf(delta.reasoning ?? delta.reasoning_content);
    if (!Array.isArray(delta.tool_calls)) return;
    for (const { index = 0, id, function: called } of delta.tool_calls as CallDelta[]) {
      calls[index] ??= { id: '', name: '', arguments: '' };
      const call = calls[index];
      call.id ||= textOf(id);
      call.name += textOf(called?.name);
      call.arguments += textOf(called?.arguments);
    }
  }

  return {
    take(events) {
      for (const line of events.toString().split('\n')) {
        if (!line.startsWith('data:')) continue;
        const choices = parsedObject(line.slice('data:'.length))?.choices as { delta?: unknown }[] | undefined;
        const delta = choices?.[0]?.delta;
        if (typeof delta === 'object' && delta !== null) takeDelta(delta as Record<string, unknown>);
      }
    },
    answer({ finish, usage, head: own }, head) {
      // A provider may leave out an index.
      const toolCalls = calls.filter((call) => call !== undefined);
      const answer: ChatAnswer = { text, reasoning, toolCalls, finish, usage };
      return wholeOf(answer, own ?? head);
    },
  };
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
