/** The kinds of arguments, with the bounds of `kernel/bounds.ts` and the words that follow an argument's name when it is refused. */
import * as z from 'zod';
import { BOUNDS, type Bounds } from '../kernel/bounds.ts';
import { readInstant } from '../kernel/instant.ts';
import { readCount } from '../kernel/units.ts';

const JOB_STATES = ['queued', 'running', 'retrying', 'done', 'dead', 'cancelled'] as const;

/** A whole number within bounds. */
export function countArgument(bounds: Bounds) {
  const error = ({ input }: { input?: unknown }) => String(readCount(input, bounds));
  return z.int({ error }).min(bounds.least, { error }).max(bounds.most, { error });
}

/** A time in ISO 8601 with its offset, or a date. */
export function instant() {
  const error = ({ input }: { input?: unknown }) => String(readInstant(input));
  return z
    .string({ error })
    .refine((text) => typeof readInstant(text) === 'number', { error })
    .meta({ format: 'date-time' });
}

/** A text that is not empty. */
export function text(longest: number) {
  const error = `is no text of 1–${longest} characters`;
  return z.string({ error }).min(1, { error }).max(longest, { error });
}

/** The name of an agent, a plugin or a key, or an id. Names are repeated in messages and logs, so none is longer. */
export function name() {
  return text(200);
}

/** A JSON value, as long as an input that a plugin may send. Left out is undefined, which is not null. */
export function payload() {
  return z
    .unknown()
    .refine((value) => wrongWithPayload(value) === undefined, { error: ({ input }) => wrongWithPayload(input) })
    .optional();
}

/** Left out: false. */
export function flag() {
  return z.boolean({ error: 'is neither true nor false' }).default(false);
}

/** States of jobs, each of them one of `among`. */
export function jobStates<const State extends (typeof JOB_STATES)[number]>(among: readonly State[]) {
  const error = among.length === JOB_STATES.length ? 'is no state of a job' : `is not one of ${among.join(', ')}`;
  return z.array(z.enum(among, { error }), { error: 'is no list of states' }).min(1).max(among.length);
}

/** A state of a job. */
export function anyJobStates() {
  return jobStates(JOB_STATES);
}

/** At most so many rows of an answer. */
export function limit() {
  return countArgument(BOUNDS.rows).default(50).describe('At most so many.');
}

function wrongWithPayload(said: unknown): string | undefined {
  const { most } = BOUNDS.payload;
  try {
    const { length } = JSON.stringify(said) ?? '';
    return length <= most ? undefined : `is ${length} characters of JSON; the most is ${most}`;
  } catch {
    return 'is nested too deeply';
  }
}
