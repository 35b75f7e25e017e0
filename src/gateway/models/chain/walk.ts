import type { RungVerdict } from '../ports.ts';

/** Why a rung or one of its models is not asked now. `until`: epoch ms. */
interface RungHold {
  is: 'cooling' | 'closed';
  until: number;
  why: string;
}

/** Cool-downs and closings, by rung, and by rung and model. */
export type RungHolds = ReadonlyMap<string, RungHold>;

/** A rung that a call may try, with the models that it has, the best first. */
export interface WalkRung {
  name: string;
  models: readonly string[];
}

/** A rung that was tried within a call. `hasStarted`: the caller has got a part of its answer. */
export interface WalkTry {
  rung: string;
  model: string;
  verdict: RungVerdict;
  hasStarted: boolean;
}

type WalkStep =
  | { is: 'ask'; rung: string; model: string }
  /** The call is over with its last try: a good answer, the caller's fault, or a failure after the first token. */
  | { is: 'ended' }
  /**
   * No rung is left. `isUnusable`: some rung did answer, but not so that it can be used. `retryAt`: epoch ms of the first rung
   * that may be asked again; null: no rung has said.
   */
  | { is: 'exhausted'; isUnusable: boolean; retryAt: number | null; why: readonly { rung: string; why: string }[] };

/** The name of a hold. `model` null: of the whole rung. */
function holdName(rung: string, model: string | null): string {
  return model === null ? rung : `${rung}\n${model}`;
}

/** The hold of a rung or, without one, of its model; null: it may be asked. */
export function holdOf(holds: RungHolds, rung: string, model: string | null, now: number): RungHold | null {
  for (const name of [holdName(rung, null), holdName(rung, model)]) {
    const hold = holds.get(name);
    if (hold && hold.until > now) return hold;
  }
  return null;
}

/** The holds after a verdict on a model of a rung; those that are over are left out. */
export function holdsAfter(
  holds: RungHolds,
  { rung, model, verdict }: Omit<WalkTry, 'hasStarted'>,
  now: number,
): RungHolds {
  if (verdict.is !== 'wait' && verdict.is !== 'closed') return holds;
  const next = new Map([...holds].filter(([, hold]) => hold.until > now));
  const name = holdName(rung, verdict.scope === 'rung' ? null : model);
  const until = verdict.is === 'wait' ? verdict.until : now + verdict.forMs;
  const before = next.get(name);
  // Two calls that were out at once: the longer pause counts.
  if (before && before.until > until) return next;
  return next.set(name, { is: verdict.is === 'wait' ? 'cooling' : 'closed', until, why: verdict.why });
}

/**
 * The next step of a call. Each rung is asked once, with its first model that is neither cooling down nor closed; only when that
 * model turns out to be gone is the rung's next one asked. A call whose fault is its caller's, and one of which the caller
 * has got a part, ask nobody else.
 */
export function nextRung(
  rungs: readonly WalkRung[],
  tries: readonly WalkTry[],
  holds: RungHolds,
  now: number,
): WalkStep {
  const last = tries.at(-1);
  if (last && (last.hasStarted || last.verdict.is === 'good' || last.verdict.is === 'caller')) return { is: 'ended' };
  for (const rung of rungs) {
    const model = askableModel(rung, tries, holds, now);
    if (model !== undefined) return { is: 'ask', rung: rung.name, model };
  }
  const ends = rungs.map((rung) => endOf(rung, tries, holds, now));
  const times = ends.map(({ until }) => until).filter((until) => until !== null);
  return {
    is: 'exhausted',
    isUnusable: tries.some(({ verdict }) => verdict.is === 'unusable'),
    retryAt: times.length > 0 ? Math.min(...times) : null,
    why: ends.map(({ rung, why }) => ({ rung, why })),
  };
}

function askableModel(rung: WalkRung, tries: readonly WalkTry[], holds: RungHolds, now: number): string | undefined {
  const own = tries.filter((one) => one.rung === rung.name);
  const onlyModelsGone = own.every(({ verdict }) => verdict.is === 'closed' && verdict.scope === 'model');
  if (!onlyModelsGone) return undefined;
  return rung.models.find(
    (model) => holdOf(holds, rung.name, model, now) === null && !own.some((one) => one.model === model),
  );
}

function endOf(rung: WalkRung, tries: readonly WalkTry[], holds: RungHolds, now: number) {
  const verdict = tries.findLast((one) => one.rung === rung.name)?.verdict;
  const held = rung.models.map((model) => holdOf(holds, rung.name, model, now)).filter((hold) => hold !== null);
  // As long as a model of it may be asked, the rung waits for nobody.
  const until =
    held.length > 0 && held.length === rung.models.length ? Math.min(...held.map((hold) => hold.until)) : null;
  const why = verdict && 'why' in verdict ? verdict.why : (held[0]?.why ?? 'it has no model');
  return { rung: rung.name, why, until };
}
