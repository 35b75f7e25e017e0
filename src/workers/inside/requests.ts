import { Fault } from '../../kernel/fault.ts';
import { parseDuration } from '../../kernel/units.ts';
import type { AgentState, Context } from '../../plugin/context.ts';
import type { BareCall } from '../wire.ts';
import type { Ask } from './effects.ts';
import { fromJson, toJson } from './json.ts';

const LONGEST_KEY = 200;

/** `context.state`: the agent's durable map. */
export function createState(ask: Ask): AgentState {
  return {
    async get<T>(key: string) {
      return fromJson((await ask({ ask: 'getState', key: textOfKey(key, 'a key') })) as string | undefined) as
        | T
        | undefined;
    },
    async set(key, value) {
      const text = toJson(value, `the value of "${key}"`);
      if (text === null) throw invalid(`state.set("${key}") got undefined; use state.delete`);
      await ask({ ask: 'setState', key: textOfKey(key, 'a key'), value: text });
    },
    async delete(key) {
      await ask({ ask: 'deleteState', key: textOfKey(key, 'a key') });
    },
    async keys() {
      return (await ask({ ask: 'stateKeys' })) as string[];
    },
  };
}

/** `context.send`. */
export function createSend(ask: Ask): Context['send'] {
  return async (agent, input, options = {}) => {
    const call: BareCall = { ask: 'send', to: textOfKey(agent, 'an agent'), input: toJson(input, 'the input') };
    if (options.key !== undefined) call.key = textOfKey(options.key, 'a key');
    if (options.after !== undefined) call.afterMs = lengthOf(options.after, 'after');
    if (options.staleAfter !== undefined) call.staleAfterMs = lengthOf(options.staleAfter, 'staleAfter');
    if (options.priority !== undefined) {
      if (!Number.isInteger(options.priority) || Math.abs(options.priority) > 100) {
        throw invalid(`priority ${options.priority} is not a whole number from −100 to 100`);
      }
      call.priority = options.priority;
    }
    return (await ask(call)) as string;
  };
}

/** The text, if it has 1–200 characters; throws otherwise. */
export function textOfKey(text: unknown, what: string): string {
  if (typeof text === 'string' && text !== '' && text.length <= LONGEST_KEY) return text;
  throw invalid(`${what} must be a text of 1–${LONGEST_KEY} characters`);
}

function lengthOf(text: string, name: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw invalid(`${name}: "${text}" is not a length of time like 30s, 15m or 2h`);
  return ms;
}

function invalid(message: string): Fault {
  return new Fault({ code: 'CALL_INVALID', message });
}
