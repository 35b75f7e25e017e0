import type { Time } from '../kernel/time.ts';

/**
 * Answers that requests share: a request joins an equal answer that is under way, and gets a finished answer when it
 * accepts its age. No answer is older than {@link MOST_AGE_MS}; a failure is given to the requests that wait for it and to no other.
 */
export interface SharedAnswers<Value> {
  /** `maxAgeMs`: the oldest answer that the request accepts, by the time at which `make` began; 0: none that is finished. */
  of(key: string, maxAgeMs: number, make: () => Promise<Value>): Promise<Value>;
  /** Something has changed: requests from now on share nothing that began before. */
  forget(): void;
}

/** An open page hears of a change within this time; an answer is never shared for longer. */
const MOST_AGE_MS = 1_000;

interface Entry<Value> {
  begunAt: number;
  isOver: boolean;
  /** A request that accepts an age has asked for the answer: only such an answer is kept. */
  isKept: boolean;
  answer: Promise<Value>;
}

/** `most`: finished answers that are kept. */
export function createSharedAnswers<Value>(time: Pick<Time, 'monotonic'>, most: number): SharedAnswers<Value> {
  const entries = new Map<string, Entry<Value>>();

  function isGood({ begunAt, isOver }: Entry<Value>, maxAgeMs: number): boolean {
    return !isOver || time.monotonic() - begunAt < Math.min(maxAgeMs, MOST_AGE_MS);
  }

  function begin(key: string, make: () => Promise<Value>): Entry<Value> {
    const entry: Entry<Value> = { begunAt: time.monotonic(), isOver: false, isKept: false, answer: make() };
    const drop = () => {
      if (entries.get(key) === entry) entries.delete(key);
    };
    entries.delete(key);
    entries.set(key, entry);
    entry.answer.then(() => {
      entry.isOver = true;
      if (!entry.isKept) drop();
      dropOld();
    }, drop);
    return entry;
  }

  /** The oldest entries stand first. */
  function dropOld() {
    let finished = [...entries.values()].filter(({ isOver }) => isOver).length;
    for (const [key, entry] of entries)
      if (entry.isOver && (finished > most || !isGood(entry, MOST_AGE_MS))) {
        entries.delete(key);
        finished -= 1;
      }
  }

  return {
    of(key, maxAgeMs, make) {
      const found = entries.get(key);
      const entry = found && isGood(found, maxAgeMs) ? found : begin(key, make);
      entry.isKept ||= maxAgeMs > 0;
      return entry.answer;
    },
    forget: () => entries.clear(),
  };
}

/** The age that a request accepts (`Cache-Control: max-age=1`, as the script of the page sends it), in ms; 0 when it says nothing. */
export function acceptedAgeMs(cacheControl: string | undefined): number {
  return Number(/(?:^|[\s,])max-age=(\d{1,6})\b/i.exec(cacheControl ?? '')?.[1] ?? 0) * 1_000;
}
