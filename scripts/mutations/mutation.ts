/** A guard, broken on purpose: of code that acts, or of a decision where Stryker has no such mutant. */
export interface Mutation {
  /** The promise that the code does not keep any more. */
  breaks: string;
  /** Path from the root. */
  file: string;
  /** The function, method, member or constant that holds the guard. In a file that is no TypeScript: nothing. */
  within?: string;
  /** Stands once in there; line breaks and indents do not count. */
  code: string;
  instead: string;
  /** Test files of which each has to fail. */
  caughtBy: readonly string[];
}

/** A mutation without what it shares with its neighbours. */
export type Guard = Pick<Mutation, 'breaks' | 'within' | 'code' | 'instead'> & { caughtBy?: readonly string[] };

/** Mutations of one file; those that name no tests of their own are caught by `caughtBy`. */
export function guardsOf(file: string, caughtBy: readonly string[], guards: readonly Guard[]): Mutation[] {
  return guards.map((guard) => ({ file, caughtBy, ...guard }));
}
