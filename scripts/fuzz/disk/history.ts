import { DatabaseSync } from 'node:sqlite';

/** The content of a store, as the fuzz sees it: jobs and their states, and the agent's own note. */
export type State = ReadonlyMap<string, string>;

/** A call that was acknowledged. */
export interface Step {
  call: number;
  kind: string;
  /** The change that the call made. */
  changes: [key: string, value: string][];
  /** Bytes of the log that were in use when it was acknowledged: all of its frames lie before. */
  end: number;
}

/** A call that was refused, with the code of its fault. */
export interface Refusal {
  call: number;
  kind: string;
  code: string;
}

/** The acknowledgements of a writer before its end. */
export interface Told {
  steps: Step[];
  refusals: Refusal[];
  /** The code of the fault that its start ended with. */
  notStarted?: string;
}

/** The lines of `writer.ts`. A line that was cut by a kill tells nothing. */
export function toldIn(text: string): Told {
  const told: Told = { steps: [], refusals: [] };
  for (const line of text.split('\n').slice(0, -1)) {
    const rest = line.slice(2);
    if (line[0] === 'A') told.steps.push(JSON.parse(rest));
    if (line[0] === 'R') told.refusals.push(JSON.parse(rest));
    if (line[0] === 'S') told.notStarted = rest;
  }
  return told;
}

/** Every state on the way: before the first step, after it, after the second … */
export function statesOf(before: State, steps: readonly Step[]): State[] {
  const states = [before];
  for (const { changes } of steps) states.push(new Map([...states.at(-1)!, ...changes]));
  return states;
}

/** Looks into the file itself. Throws when SQLite finds damage. */
export function stateIn(db: DatabaseSync): State {
  const checks = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
  if (checks[0]!.integrity_check !== 'ok') throw new Error(checks.map((check) => check.integrity_check).join('; '));
  const jobs = db.prepare('SELECT id, state FROM job').all() as { id: number; state: string }[];
  const notes = db.prepare('SELECT key, value FROM state').all() as { key: string; value: string }[];
  return new Map([
    ...jobs.map(({ id, state }) => [`job-${id.toString(36)}`, state] as const),
    ...notes.map(({ key, value }) => [key, value] as const),
  ]);
}

/** The same of a file that nobody has open. */
export function stateOfFile(file: string): State {
  const db = new DatabaseSync(file);
  try {
    return stateIn(db);
  } finally {
    db.close();
  }
}

/** In what `found` differs from `expected`; empty when they are equal. */
export function differences(expected: State, found: State): string[] {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  return [...keys]
    .filter((key) => expected.get(key) !== found.get(key))
    .map((key) => `${key} is ${found.get(key) ?? 'gone'}, not ${expected.get(key) ?? 'unknown'}`);
}
