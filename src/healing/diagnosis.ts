import { DAY_MS } from '../kernel/measures.ts';
import { mismatchOf, oneOf, orNull, type Shape } from '../kernel/shape.ts';
import { oneLine } from '../kernel/shown-text.ts';
import type { Action } from './ports.ts';

/** An action that a model may advise: of the agent concerned alone, and without harm where it does not help. */
export type AdvisableAction = Extract<Action, 'own-cell' | 'fresh-worker' | 'catch-up' | 'recycle' | 'plan-again'>;

/** The allow-list of remedies for models; everything that is not named here is refused. */
export const ADVISABLE: readonly AdvisableAction[] = ['own-cell', 'fresh-worker', 'catch-up', 'recycle', 'plan-again'];

/** The words of a model on the cause of an incident, as the host took them. */
export interface CheckedAnswer {
  cause: string;
  /** Ids of pieces that the model was given. */
  evidenceIds: string[];
  advice: string;
  remedy: AdvisableAction | null;
  /** 0 … 1, by the model's own word. */
  confidence: number;
}

/** A piece of evidence that a model was given. `text` null: source code, which is not kept with the diagnosis. */
export interface GivenPiece {
  id: string;
  what: string;
  text: string | null;
}

/** A question about a cause, and its answer: the record of a finding. Times are epoch ms. */
export interface Diagnosis {
  /** The incident that it was asked for. */
  incident: string;
  agent: string | null;
  /** The questions about this cause within a day before the newest one, oldest first. */
  asks: { incident: string; at: number }[];
  pieces: GivenPiece[];
  answer: (CheckedAnswer & { at: number; model: string | null }) | null;
  /** Why the model's answer is of no use; null: it is, or there is none yet. */
  problem: string | null;
  /** The result of the remedy, in words; null: there is none, or nothing was decided yet. */
  outcome: string | null;
}

/** An answer is shown for further incidents of its cause for so long, and nobody is asked again. */
const KEPT_FOR_MS = 7 * DAY_MS;

const LONGEST = { cause: 600, advice: 1_200 };
/** A text beyond this is no answer to the question. */
const LONGEST_SAID = 6_000;
const MOST_IDS = 20;

const saidText = (value: unknown) => typeof value === 'string' && value.length <= LONGEST_SAID && oneLine(value) !== '';
const isId = (value: unknown) => typeof value === 'string' && value.length <= 20;

const ANSWER: Shape = {
  cause: saidText,
  evidenceIds: (value) => Array.isArray(value) && value.length > 0 && value.length <= MOST_IDS && value.every(isId),
  advice: saidText,
  remedy: orNull(oneOf(ADVISABLE)),
  confidence: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

/**
 * The words of a model as an answer that may be kept: texts on one line and bounded, ids that it was given. A problem in words for
 * anything else: a field that is missing, too long or unknown, an id that nobody gave, a remedy outside of {@link ADVISABLE}.
 */
export function checkDiagnosis(said: unknown, pieces: readonly GivenPiece[]): CheckedAnswer | { problem: string } {
  const field = mismatchOf(said, ANSWER);
  if (field === '') return { problem: 'the answer is no object' };
  if (field !== undefined) return { problem: problemOf(field, (said as Record<string, unknown>)[field]) };
  const unknown = Object.keys(said as object).filter((key) => !Object.hasOwn(ANSWER, key));
  if (unknown.length > 0) return { problem: `the answer has a field ${short(unknown[0]!)} that nobody asked for` };
  const { cause, evidenceIds, advice, remedy, confidence } = said as CheckedAnswer;
  const ids = [...new Set(evidenceIds)];
  const given = new Set(pieces.map(({ id }) => id));
  const foreign = ids.find((id) => !given.has(id));
  if (foreign !== undefined)
    return { problem: `the answer rests on ${short(foreign)}, which is no evidence that was given` };
  return {
    cause: bounded(cause, LONGEST.cause),
    evidenceIds: ids,
    advice: bounded(advice, LONGEST.advice),
    remedy,
    confidence,
  };
}

function problemOf(field: string, value: unknown): string {
  if (field === 'remedy' && typeof value === 'string')
    return `the remedy ${short(value)} is none that a model may advise`;
  if (typeof value === 'string' && value.length > LONGEST_SAID) return `the ${field} has ${value.length} characters`;
  return `the answer has no ${field} that can be used`;
}

/** A word of a model within a sentence of ours. */
const short = (text: string) => `"${bounded(text, 40)}"`;

function bounded(text: string, longest: number): string {
  const line = oneLine(text);
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

/** Whether a question about an incident goes to a model now. */
type AskPlan =
  | { is: 'ask'; asks: Diagnosis['asks'] }
  /** The answer is known. */
  | { is: 'kept'; known: Diagnosis }
  | { is: 'spent' };

interface AskFacts {
  incident: string;
  now: number;
  /** The diagnosis of the incident's cause; undefined: there is none. */
  known: Diagnosis | undefined;
  /** The questions of all causes. */
  asked: Diagnosis['asks'];
  perDay: number;
}

/** Decides on a question: a cause is asked once within 7 days, and an incident counts once however often it is asked for. */
export function planAsk({ incident, now, known, asked, perDay }: AskFacts): AskPlan {
  if (known?.answer && now - known.answer.at < KEPT_FOR_MS) return { is: 'kept', known };
  const isOfToday = ({ at }: { at: number }) => at <= now && now - at < DAY_MS;
  const others = new Set(asked.filter((one) => isOfToday(one) && one.incident !== incident).map((one) => one.incident));
  if (others.size >= perDay) return { is: 'spent' };
  const before = (known?.asks ?? []).filter((one) => isOfToday(one) && one.incident !== incident);
  return { is: 'ask', asks: [...before, { incident, at: now }] };
}
