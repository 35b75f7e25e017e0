import { shown } from '../../kernel/bounds.ts';
import type { OnceOptions } from '../../plugin/context.ts';
import { EffectUnknown } from '../../plugin/verdicts.ts';
import type { BareCall } from '../wire.ts';
import { fromJson, toJson } from './json.ts';
import { invalid, optionsOf } from './options.ts';

export type Ask = (call: BareCall) => Promise<unknown>;
type Began = { is: 'new' } | { is: 'done'; result: string | null } | { is: 'unknown' };

/** `once` of one attempt: the effect is recorded before and after. Two calls with one key within the attempt are one. */
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
    const promise = perform(ask, key, effect, ifUnknown);
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
  ifUnknown: NonNullable<OnceOptions['ifUnknown']>,
): Promise<unknown> {
  if (typeof key !== 'string' || key === '' || key.length > 200) {
    throw invalid('the key of once must be a text of 1–200 characters');
  }
  const began = (await ask({ ask: 'beginEffect', key })) as Began;
  if (began.is === 'done') return fromJson(began.result);
  if (began.is === 'unknown') {
    if (ifUnknown === 'fail') throw new EffectUnknown(key);
    if (ifUnknown === 'skip') return undefined;
  }
  let value: unknown;
  try {
    value = await effect();
  } catch (error) {
    await ask({ ask: 'dropEffect', key });
    throw error;
  }
  let result: string | null = null;
  let problem: unknown;
  try {
    result = toJson(value, `the result of once("${key}")`);
  } catch (error) {
    problem = error;
  }
  // Recorded even when its result cannot be kept: it was done, and must not be done again.
  await ask({ ask: 'endEffect', key, result });
  if (problem) throw problem;
  return value;
}
