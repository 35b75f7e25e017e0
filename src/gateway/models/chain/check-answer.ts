import type { CallEstimate, ChatRequest, RungVerdict, TokenUsage } from '../ports.ts';
import type { ChatAnswer } from './chat-answer.ts';
import { leastTokens } from './estimate-tokens.ts';

/** Shorter prompts are not compared: templates and caches of providers weigh too much in them. */
const LEAST_COMPARED = 200;
/** `leastTokens` was low enough for every text that was measured but one, by 4 %. */
const CERTAIN = 0.8;
/** More than this many times the estimate is no count of tokens. */
const TOO_MANY = 10;

const good: RungVerdict = { is: 'good' };
const unusable = (why: string): RungVerdict => ({ is: 'unusable', why });

/**
 * The verdict on a whole answer. Unusable: nothing is said, cut off before anything was said, no JSON where JSON was asked
 * for, a call that cannot be made, or a prompt that was not read to its end.
 */
export function checkAnswer(answer: ChatAnswer, request: ChatRequest): RungVerdict {
  const cut = truncation(answer.usage, request);
  if (cut) return unusable(cut);
  const { text, toolCalls, finish } = answer;
  if (text.trim() === '' && toolCalls.length === 0)
    return unusable(finish === 'length' ? 'cut off by its length before it said anything' : 'an empty answer');
  const wrongCall = toolCalls.length > 0 ? problemOfCalls(answer, request) : null;
  if (wrongCall) return unusable(wrongCall);
  if (toolCalls.length > 0) return good;
  if (isCallRequired(request)) return unusable('no call of a tool, though one was required');
  if (wantsJson(request) && !isJson(text))
    return unusable(finish === 'length' ? 'JSON that was cut off by its length' : 'no JSON, though JSON was asked for');
  return good;
}

/** Why a prompt was not read to its end, by the tokens that the provider has counted; null: nothing speaks for it. */
export function truncation(usage: TokenUsage | null, { messages, tools }: ChatRequest): string | null {
  if (usage === null) return null;
  const least = leastTokens(messages, tools);
  if (least < LEAST_COMPARED || usage.promptTokens >= least * CERTAIN) return null;
  return `a truncated prompt: ${usage.promptTokens} tokens were read of at least ${least}`;
}

/** The usage that a provider reported; null where it cannot be true, so that the estimate counts instead. */
export function believedUsage(usage: TokenUsage | null, { promptTokens, maxTokens }: CallEstimate): TokenUsage | null {
  if (usage === null) return null;
  const isLie = usage.promptTokens > promptTokens * TOO_MANY || usage.completionTokens > maxTokens * TOO_MANY;
  return isLie ? null : usage;
}

/** Whether the caller asks for JSON. */
function wantsJson({ response_format: format }: ChatRequest): boolean {
  return format?.type === 'json_object' || format?.type === 'json_schema';
}

function problemOfCalls({ toolCalls }: ChatAnswer, { tools }: ChatRequest): string | null {
  const names = new Set((tools as { function?: { name?: string } }[] | undefined)?.map((tool) => tool.function?.name));
  for (const { name, arguments: given } of toolCalls) {
    if (!names.has(name)) return `a call of ${name || 'a tool without a name'}, which is none of the tools`;
    if (given.trim() !== '' && !isJson(given)) return `a call of ${name} with arguments that are no JSON`;
  }
  return null;
}

function isCallRequired({ tools, tool_choice: choice }: ChatRequest): boolean {
  return (tools?.length ?? 0) > 0 && (choice === 'required' || (typeof choice === 'object' && choice !== null));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
