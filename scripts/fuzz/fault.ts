import type { Broken } from './check.ts';

/** The surroundings that a fault is given. */
export interface FuzzRun {
  /** The compiled program, as people run it. */
  main: string;
  /** An empty folder for everything. */
  folder: string;
  /** The same seed draws the same numbers; when they strike is the machine's. */
  seed: number;
  say(line: string): void;
}

export interface FuzzOutcome {
  /** Tables to print, one after the other. */
  tables: Record<string, unknown>[];
  /** Only promises that were broken. */
  broken: Broken;
  /** Written to the result file beside machine, commit and seed; left out when too little could be tried for a figure. */
  result?: object;
}

/** A kind of fault that a real installation has to survive. */
export interface Fault<Counts extends string = string> {
  /** `bench/results/fuzz-<name>.json` is its result file. */
  name: string;
  /** How much is tried, as options of the command line with their defaults. */
  counts: Readonly<Record<Counts, number>>;
  /** Why nothing can be tried here, with what to install; null where it can. */
  missing?(): string | null;
  run(run: FuzzRun, counts: Readonly<Record<Counts, number>>): Promise<FuzzOutcome>;
}
