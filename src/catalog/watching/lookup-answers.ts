import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { keyOf, type Lookup, lookUp, NOTHING } from '../versions/lookups.ts';
import type { ScanRules } from './scan.ts';

/** The answers to {@link Lookup}s as they are now. An answer counts when it has held as long as a file must to be settled. */
export interface LookupAnswers {
  readonly answers: ReadonlyMap<string, { answer: string; turn: number }>;
  /** Asks again; no answer counts before {@link LookupAnswers.settle}. */
  ask(lookups: Iterable<Lookup>, options: AskOptions): Promise<FoundAnswer[]>;
  /**
   * Lets the answers that were found count from `turn` on if they have held until `at` (monotonic ms). Returns the time after
   * which to ask again, in ms; undefined when all answers count.
   */
  settle(found: readonly FoundAnswer[], now: { turn: number; at: number }): number | undefined;
}

interface AskOptions {
  /** Whether lookups of libraries are asked, too. */
  isFull: boolean;
  /** Paths of lookups that stay as they are: their folder is away. */
  skips(path: string): boolean;
}

/** The answer that a lookup was found to have. */
interface FoundAnswer {
  key: string;
  answer: string;
  stamp: string | undefined;
}

interface Known {
  answer: string;
  turn: number;
  stamp: string | undefined;
  /** Another answer that does not count yet, and since when it is seen, in monotonic ms. */
  next?: { answer: string; since: number };
}

const AT_ONCE = 64;

/** Answers of one installation; none is known yet. */
export function createLookupAnswers({ folder, rules }: { folder: string; rules: ScanRules }): LookupAnswers {
  const answers = new Map<string, Known>();

  return {
    answers,
    async ask(lookups, { isFull, skips }) {
      const asked = new Map<string, Lookup>();
      const found: FoundAnswer[] = [];
      for (const lookup of lookups) {
        const key = keyOf(lookup);
        if (asked.has(key)) continue;
        const known = answers.get(key);
        if (skips(lookup.path)) {
          // The last answer counts.
          if (!known) found.push({ key, answer: lookup.answer, stamp: undefined });
        } else if (isFull || !known || known.next || !lookup.path.includes('node_modules')) asked.set(key, lookup);
      }
      if (isFull) for (const key of answers.keys()) if (!asked.has(key)) forget(key, skips);
      return [...found, ...(await each([...asked], ([key, lookup]) => askAgain(key, lookup)))].filter((one) => !!one);
    },
    settle(found, now) {
      let waitMs: number | undefined;
      for (const one of found) {
        const restMs = settleOne(one, now);
        if (restMs > 0) waitMs = Math.min(waitMs ?? restMs, restMs);
      }
      return waitMs;
    },
  };

  /** Undefined: the answer is the one that is known, as the stamp of its file shows. */
  async function askAgain(key: string, lookup: Lookup): Promise<FoundAnswer | undefined> {
    const known = answers.get(key);
    const stamp = await stampOf(lookup, folder);
    if (known && !known.next && stamp !== undefined && stamp === known.stamp) return undefined;
    return { key, answer: await lookUp(lookup.ask, lookup.path, folder), stamp };
  }

  /** Takes an answer that was found; returns in how many ms it counts. */
  function settleOne({ key, answer, stamp }: FoundAnswer, { turn, at }: { turn: number; at: number }): number {
    const known = answers.get(key);
    if (!known || answer === known.answer) {
      answers.set(key, { answer, turn: known?.turn ?? turn, stamp });
      return 0;
    }
    const since = known.next?.answer === answer ? known.next.since : at;
    const restMs = since + (answer === NOTHING ? rules.goneMs : rules.settleMs) - at;
    answers.set(key, restMs <= 0 ? { answer, turn, stamp } : { ...known, next: { answer, since } });
    return restMs;
  }

  /** Forgets a lookup on which no version hangs any more. */
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

/**
 * A text that differs whenever the answer to `package` or `names` may be another one; undefined where only asking shows
 * it.
 */
async function stampOf({ ask, path }: Pick<Lookup, 'ask' | 'path'>, folder: string): Promise<string | undefined> {
  if (ask === 'is' || ask === 'tree') return undefined;
  const at = await stat(isAbsolute(path) ? path : join(folder, path)).catch(() => undefined);
  return at ? `${at.ino} ${at.size} ${at.mtimeMs} ${at.ctimeMs}` : NOTHING;
}
