import type { Trial } from './trial.ts';

/** A check. Resolves with what was seen; throws when that is not as it has to be. */
export interface Check {
  name: string;
  look(trial: Trial): Promise<string>;
}

/** This cannot be seen here. */
export class NotHere extends Error {}

/** Throws unless it holds; `what` says what was seen instead. */
export function expect(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
