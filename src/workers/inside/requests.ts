import { BOUNDS } from '../../kernel/bounds.ts';
import { readCount } from '../../kernel/units.ts';
import type { AgentState, Context, SendOptions, SentJob } from '../../plugin/context.ts';
import type { BareCall } from '../wire.ts';
import type { Ask } from './effects.ts';
import { fromJson, toJson } from './json.ts';
import { invalid, lengthOf, optionsOf, textOfKey, valueRead } from './options.ts';

const SEND_OPTIONS = ['key', 'after', 'priority', 'staleAfter', 'detail'] as const;

/** `context.state`: the agent's durable map. */
export function createState(ask: Ask): AgentState {
  return {
    async get<T>(key: string) {
      return fromJson((await ask({ ask: 'getState', key: textOfKey(key, 'a key') })) as string | undefined) as
        | T
        | undefined;
    },
    async set(name, value) {
      const key = textOfKey(name, 'a key');
      const text = toJson(value, `the value of "${key}"`, 'value');
      if (text === null) throw invalid(`state.set("${key}") got undefined; use state.delete`);
      await ask({ ask: 'setState', key, value: text });
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
  return (async (agent: string, input?: unknown, given: SendOptions = {}) => {
    const options = optionsOf(given, SEND_OPTIONS, 'send');
    const call: BareCall = {
      ask: 'send',
      to: textOfKey(agent, 'an agent'),
      input: toJson(input, 'the input', 'input'),
    };
    if (options.key !== undefined) call.key = textOfKey(options.key, 'a key');
    if (options.after !== undefined) call.afterMs = lengthOf(options.after, BOUNDS.wait, 'after');
    if (options.staleAfter !== undefined) call.staleAfterMs = lengthOf(options.staleAfter, BOUNDS.use, 'staleAfter');
    if (options.priority !== undefined) {
      call.priority = valueRead(readCount(options.priority, BOUNDS.priority), 'priority', options.priority);
    }
    if (options.detail !== undefined && typeof options.detail !== 'boolean') throw invalid('detail is true or false');
    const sent = (await ask(call)) as SentJob;
    return options.detail ? sent : sent.id;
  }) as Context['send'];
}
