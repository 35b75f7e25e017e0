import type { PlainFault } from '../kernel/fault.ts';

/** One thing that a rehearsed attempt wanted of the world. */
export interface RehearsedEffect {
  /** once, send, emit, exec, fetch, state.set, state.delete. */
  kind: string;
  /** `report`, `POST https://…`, the key of an effect. */
  what: string;
  /** answered: as recorded, or by a request that changes nothing · captured: noted, not done · refused: it was told no. */
  is: 'answered' | 'captured' | 'refused';
  data?: unknown;
}

/** How one run of a job went. */
export interface RehearsalSide {
  version: string | null;
  state: 'done' | 'failed';
  result: unknown;
  summary: string | null;
  error: PlainFault | null;
  durationMs: number | null;
  /** The first 100, in order; null: it is the record of the job, which does not hold them. */
  effects: RehearsedEffect[] | null;
  /** How many of all were refused. */
  refused: number;
  logs: { level: string; message: string }[];
}

/** A recorded job, and what a new version makes of its input. */
export interface RehearsedView {
  job: string;
  agent: string;
  /** same, differs, mended (only the new one is done), fails (only the old one is), both-fail, unclear (something was refused). */
  is: 'same' | 'differs' | 'mended' | 'fails' | 'both-fail' | 'unclear';
  /** When the recorded attempt began. */
  startedAt: string;
  input: unknown;
  old: RehearsalSide;
  new: RehearsalSide;
  /** Places in which the results differ, the first 50 of `differing`. */
  differences: { path: string; is: string; before?: unknown; after?: unknown }[];
  differing: number;
}

export interface RehearsalView {
  /** `against`: the version that was run beside it; null: the record. `file`: of which the new version was made. */
  agents: { agent: string; version: string; against: string | null; file: string | null }[];
  /** Whether GET and HEAD went out. */
  live: boolean;
  jobs: RehearsedView[];
}
