import { shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import type { OnceOptions } from '../../plugin/context.ts';
import { EffectUnknown } from '../../plugin/verdicts.ts';
import type { BareCall } from '../wire.ts';
import { askedAt } from './calls.ts';
import { fromJson, toJson } from './json.ts';
import { invalid, optionsOf } from './options.ts';

export type Ask = (call: BareCall) => Promise<unknown>;
type Began =
  | { is: 'new' }
  | { is: 'done'; result: string | null }
  | { is: 'not-kept'; problem: string }
  | { is: 'unknown' };

/**
 * `once` of one attempt: the effect is recorded before and after, and what it hands out is always what was stored. Two
 * calls with one key within the attempt are one.
 */
export function createOnce(ask: Ask) {
  const running = new Map<string, Promise<unknown>>();

  return function once<T>(key: string, effect: () => T | Promise<T>, given: OnceOptions = {}): Promise<T> {
    let ifUnknown: NonNullable<OnceOptions['ifUnknown']>;
    try {
      ifUnknown = wayOf(given);
    } catch (error) {
      return Promise.reject(error);
    }
    const former = running.get(key);
    if (former) return former as Promise<T>;
    const promise = perform(ask, key, effect, { ifUnknown, asked: new Error() });
    running.set(key, promise);
    // After a throw it counts as not done, so the plugin may try again.
    promise.catch(() => running.delete(key));
    return promise as Promise<T>;
  };
}

const WAYS = ['fail', 'repeat', 'skip'] as const;

/** A way that is misspelt must not become another one: `repeat` does the effect twice. */
function wayOf(given: OnceOptions): (typeof WAYS)[number] {
  const { ifUnknown = 'fail' } = optionsOf(given, ['ifUnknown'], 'once');
  const way = WAYS.find((one) => one === ifUnknown);
  if (!way) throw invalid(`once: ifUnknown ${shown(ifUnknown)} is none of ${WAYS.join(', ')}`);
  return way;
}

async function perform(
  ask: Ask,
  key: string,
  effect: () => unknown,
  { ifUnknown, asked }: { ifUnknown: NonNullable<OnceOptions['ifUnknown']>; asked: Error },
): Promise<unknown> {
  if (typeof key !== 'string' || key === '' || key.length > 200) {
    throw invalid('the key of once must be a text of 1–200 characters');
  }
  const began = (await ask({ ask: 'beginEffect', key })) as Began;
  if (began.is === 'done') return fromJson(began.result);
  if (began.is !== 'new' && ifUnknown === 'skip') return undefined;
  if (began.is !== 'new' && ifUnknown === 'fail') {
    const error =
      began.is === 'unknown' ? new EffectUnknown(key) : notKept(key, ' by an earlier attempt', began.problem);
    throw askedAt(error, asked);
  }
  let value: unknown;
  try {
    value = await effect();
  } catch (error) {
    await ask({ ask: 'dropEffect', key });
    throw error;
  }
  const kept = storable(value);
  // Recorded even when its result cannot be kept: it was done, and must not be done again.
  if (kept instanceof Fault) {
    await ask({ ask: 'endEffect', key, result: null, problem: kept.message });
    throw askedAt(notKept(key, '', kept.message), asked);
  }
  await ask({ ask: 'endEffect', key, result: kept });
  return fromJson(kept);
}

function storable(value: unknown): string | null | Fault {
  try {
    return toJson(value, 'it', 'result');
  } catch (fault) {
    return fault as Fault;
  }
}

function notKept(key: string, when: string, problem: string): Fault {
  const message = `the effect of once("${key}") was done${when}, but its result cannot be kept: ${problem}`;
  const next =
    "it is not done again: let it return plain data, and see what it did before you run the work anew; or say { ifUnknown: 'repeat' } if doing it twice is harmless";
  return new Fault({ code: 'EFFECT_NOT_KEPT', message, next });
}
