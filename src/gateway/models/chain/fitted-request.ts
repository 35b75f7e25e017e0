import type { CallEstimate, RungRequest, RungVerdict } from '../ports.ts';

/** A request as a rung takes it. */
export interface FittedRequest extends RungRequest {
  is: 'fits';
  body: Record<string, unknown>;
  /** Whether the rung streams its answer, whatever the caller wants: all do that can. */
  isStreamed: boolean;
  /** Parameters of the caller that the rung does not know. */
  stripped: readonly string[];
}

/** A rung that cannot take a request. */
export interface UnfitRequest {
  is: 'unfit';
  verdict: RungVerdict;
}

export interface FitTerms {
  estimate: CallEstimate;
  /** Parameters that the model has refused before ({@link unsupportedIn}). */
  learnt: ReadonlySet<string>;
}

/** Says why a rung cannot take a request; its breaker does not count that. */
export function unfit(why: string): UnfitRequest {
  return { is: 'unfit', verdict: { is: 'next', why, counts: false } };
}
