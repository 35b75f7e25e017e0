/** One guard, broken on purpose. */
export interface Mutation {
  /** What the code does not hold to any more. */
  breaks: string;
  file: string;
  /** Stands exactly once in the file. */
  text: string;
  instead: string;
  /** Test files of which each has to fail. */
  caughtBy: string[];
}
