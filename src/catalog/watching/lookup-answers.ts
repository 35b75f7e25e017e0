import type { Time } from '../../kernel/time.ts';
import { keyOf, type Lookup, lookUp, NOTHING, stampOf } from '../versions/lookups.ts';
import type { ScanRules } from './scan.ts';

/** The answers to {@link Lookup}s as they are now. An answer counts when it has held as long as a file must to be settled. */
export interface LookupAnswers {
  readonly answers: ReadonlyMap<string, { answer: string; turn: number }>;
  /**
   * Asks again. `skips`: paths that are left as they are; `isFull`: also of libraries. Resolves with the time after which
   * to look again, in ms; undefined when all answers count.
   */
  look(lookups: Iterable<Lookup>, options: LookOptions): Promise<number | undefined>;
}

interface LookOptions {
  turn: number;
  isFull: boolean;
  skips(path: string): boolean;
}

interface Known {
  answer: string;
  turn: number;
  stamp: string | undefined;
  /** Another answer that does not count yet, and since when it is seen, in monotonic ms. */
  next?: { answer: string; since: number };
}

const AT_ONCE = 64;

export function createLookupAnswers(
  { time }: { time: Time },
  { folder, rules }: { folder: string; rules: ScanRules },
): LookupAnswers {
  const answers = new Map<string, Known>();

  return {
    answers,
    async look(lookups, { turn, isFull, skips }) {
      const asked = new Map<string, Lookup>();
      for (const lookup of lookups) {
        const key = keyOf(lookup);
        if (asked.has(key)) continue;
        const known = answers.get(key);
        if (skips(lookup.path)) {
          // Its folder is away: as it was when somebody looked last.
          if (!known) answers.set(key, { answer: lookup.answer, turn, stamp: undefined });
        } else if (isFull || !known || known.next || !lookup.path.includes('node_modules')) asked.set(key, lookup);
      }
      const waits = await each([...asked], ([key, lookup]) => askAgain(key, lookup, turn));
      if (isFull) for (const key of answers.keys()) if (!asked.has(key)) forget(key, skips);
      return waits.reduce((least, wait) => (wait === undefined ? least : Math.min(least ?? wait, wait)), undefined);
    },
  };

  async function askAgain(key: string, lookup: Lookup, turn: number): Promise<number | undefined> {
    const known = answers.get(key);
    const stamp = await stampOf(lookup, folder);
    if (known && !known.next && stamp !== undefined && stamp === known.stamp) return undefined;
    const answer = await lookUp(lookup.ask, lookup.path, folder);
    if (!known) {
      answers.set(key, { answer, turn, stamp });
      return undefined;
    }
    if (answer === known.answer) {
      answers.set(key, { answer, turn: known.turn, stamp });
      return undefined;
    }
    const since = known.next?.answer === answer ? known.next.since : time.monotonic();
    const needed = answer === NOTHING ? rules.goneMs : rules.settleMs;
    const rest = since + needed - time.monotonic();
    if (rest <= 0) answers.set(key, { answer, turn, stamp });
    else answers.set(key, { ...known, next: { answer, since } });
    return rest <= 0 ? undefined : rest;
  }

  /** No version hangs on it any more. */
  function forget(key: string, skips: (path: string) => boolean) {
    if (!skips(key.slice(key.indexOf(' ') + 1))) answers.delete(key);
  }
}

async function each<T, R>(items: readonly T[], call: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let index = 0; index < items.length; index += AT_ONCE)
    results.push(...(await Promise.all(items.slice(index, index + AT_ONCE).map(call))));
  return results;
}
