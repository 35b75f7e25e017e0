import type { Duration } from './units.ts';

/**
 * Throw it from `run` when another attempt cannot help: the job goes to the dead letters at once.
 *
 * @example
 * if (answer.status === 404) throw new GiveUp(`no such page: ${settings.url}`);
 */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}

/**
 * Throw it from `run` when the plugin knows better than the backoff when to try again. For a day in all, and a
 * thousand times in a row, it loses no attempt; after that each time counts as one.
 *
 * @example
 * if (answer.status === 429) throw new RetryLater('rate limited', { after: '60s' });
 */
export class RetryLater extends Error {
  override readonly name = 'RetryLater';
  readonly after: Duration;

  constructor(why: string, options: { after: Duration; cause?: unknown }) {
    // The worker checks the options, since a plugin may be written without TypeScript, and reports a missing one with the
    // reason.
    super(why, { cause: options?.cause });
    this.after = options?.after;
  }
}

/**
 * `once` throws it when an earlier attempt began the effect and it is unknown whether it ended, and the author said
 * `ifUnknown: 'fail'` (the default): the effect is never repeated silently.
 */
export class EffectUnknown extends Error {
  override readonly name = 'EffectUnknown';
  readonly key: string;

  constructor(key: string) {
    super(
      `once("${key}") was begun by an earlier attempt and its end was never recorded; ` +
        `say { ifUnknown: 'repeat' } if doing it twice is harmless, or 'skip' if missing it is`,
    );
    this.key = key;
  }
}
