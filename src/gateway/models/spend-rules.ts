import type { CallEstimate, TokenUsage } from './ports.ts';
import type { Amounts, SpendLimits } from './spend.ts';

/** The price of a million tokens, in micros. */
interface Price {
  input: number;
  output: number;
}

/** The price of a model. `unknown`: the model costs money, and nobody wrote down how much. */
export type ModelPrice = Price | 'free' | 'unknown';

/** A rung that a call may be tried on. */
interface OfferedRung {
  name: string;
  model: string;
  price: ModelPrice;
}

/** Spent and reserved by one agent or by all, and the limits of the day. */
interface SpendParty {
  whose: 'agent' | 'all';
  spent: Amounts;
  /** By calls in progress. */
  reserved: Amounts;
  limits: SpendLimits;
}

/** The budget that a call does not fit in. */
export interface SpendObstacle {
  which: 'calls' | 'tokens' | 'money';
  whose: 'agent' | 'all';
  spent: number;
  reserved: number;
  limit: number;
  /** The most that the call may cost. */
  wanted: number;
  /**
   * `spent`: what is left of the day is less than the call may cost · `reserved`: calls in progress hold what it would need, and may
   * give it back · `small`: the call may cost more than a whole day has.
   */
  because: 'spent' | 'reserved' | 'small';
}

/** A rung that a call goes to, with what is reserved for one try there. */
export interface ReservedRung extends OfferedRung {
  tokens: TokenUsage;
  micros: number;
}

/** A rung that a call does not go to, because no budget pays for it. */
export interface UnpaidRung extends OfferedRung {
  /** null: the rung has no price, and there is a limit of money. */
  obstacle: SpendObstacle | null;
}

/** The rungs that fit in every budget together, in order: a call that is billed by all of them still fits. */
export interface SpendDecision {
  go: ReservedRung[];
  skipped: UnpaidRung[];
  /** The call, and the sums of `go`. */
  reserved: Amounts;
}

export const NO_AMOUNTS: Readonly<Amounts> = { calls: 0, tokens: 0, micros: 0 };

const PARTS = ['calls', 'tokens', 'micros'] as const;
const PER_PRICE = 1_000_000n;

/** Micros of tokens at a price, rounded up: many small calls are never counted as less than they cost. */
export function costOf({ promptTokens, completionTokens }: TokenUsage, price: ModelPrice): number {
  if (price === 'free' || price === 'unknown') return 0;
  const parts = BigInt(promptTokens) * BigInt(price.input) + BigInt(completionTokens) * BigInt(price.output);
  return Number((parts + PER_PRICE - 1n) / PER_PRICE);
}

export const plus = (a: Amounts, b: Amounts) => each(a, b, (one, other) => one + other);

export const minus = (a: Amounts, b: Amounts) => each(a, b, (one, other) => one - other);

export function each(a: Amounts, b: Amounts, of: (a: number, b: number) => number): Amounts {
  return { calls: of(a.calls, b.calls), tokens: of(a.tokens, b.tokens), micros: of(a.micros, b.micros) };
}

export const isWithinAmounts = (a: Amounts, most: Amounts) => PARTS.every((part) => a[part] <= most[part]);

export const isNothing = (a: Amounts) => PARTS.every((part) => a[part] === 0);

/**
 * Decides which rungs a call may be tried on. Spend and reservations together stay within every limit, as long as no answer is larger
 * than was reserved for it. Free rungs are held to calls and tokens alone; a rung without a price is skipped where money
 * is limited.
 */
export function decideSpend(
  rungs: readonly OfferedRung[],
  estimate: CallEstimate,
  parties: readonly SpendParty[],
): SpendDecision {
  const tokens = { promptTokens: estimate.promptTokens, completionTokens: estimate.maxTokens };
  const isMoneyLimited = parties.some(({ limits }) => limits.micros !== undefined);
  const decision: SpendDecision = { go: [], skipped: [], reserved: NO_AMOUNTS };
  for (const rung of rungs) {
    if (rung.price === 'unknown' && isMoneyLimited) {
      decision.skipped.push({ ...rung, obstacle: null });
      continue;
    }
    const micros = costOf(tokens, rung.price);
    const sum = tokens.promptTokens + tokens.completionTokens;
    const one = { calls: decision.go.length === 0 ? 1 : 0, tokens: sum, micros };
    const obstacle = obstacleOf(plus(decision.reserved, one), one, parties, rung.price === 'free');
    if (obstacle) decision.skipped.push({ ...rung, obstacle });
    else {
      decision.reserved = plus(decision.reserved, one);
      decision.go.push({ ...rung, tokens, micros });
    }
  }
  return decision;
}

/** The first budget in which `wanted` does not fit; `alone`: what the rung needs without the rungs before it. */
function obstacleOf(
  wanted: Amounts,
  alone: Amounts,
  parties: readonly SpendParty[],
  isFree: boolean,
): SpendObstacle | undefined {
  for (const { whose, spent, reserved, limits } of parties) {
    for (const part of PARTS) {
      const limit = limits[part];
      if (limit === undefined || (part === 'micros' && isFree)) continue;
      if (spent[part] + reserved[part] + wanted[part] <= limit) continue;
      const because = alone[part] > limit ? 'small' : spent[part] + alone[part] > limit ? 'spent' : 'reserved';
      const which = part === 'micros' ? 'money' : part;
      return { which, whose, spent: spent[part], reserved: reserved[part], limit, wanted: alone[part], because };
    }
  }
  return undefined;
}

/** A budget of a day, and what is spent of it. */
export interface SpentBudget {
  /** null: of all agents. */
  agent: string | null;
  which: SpendObstacle['which'];
  /** Money in micros. */
  spent: number;
  limit: number;
}

/** The budgets of which at least 80 % are spent; with `before` only those of which less was spent then. */
export function risingOf(agent: string | null, spent: Amounts, limits: SpendLimits, before?: Amounts): SpentBudget[] {
  const isRising = (one: SpentBudget) => one.spent >= RISING * one.limit;
  const were = new Set(
    before
      ? budgetsOf(agent, before, limits)
          .filter(isRising)
          .map(({ which }) => which)
      : [],
  );
  return budgetsOf(agent, spent, limits).filter((one) => isRising(one) && !were.has(one.which));
}

/** The budgets that have a limit, with what is spent of each. */
export function budgetsOf(agent: string | null, spent: Amounts, limits: SpendLimits): SpentBudget[] {
  return PARTS.flatMap((part) => {
    const limit = limits[part];
    return limit ? [{ agent, which: part === 'micros' ? ('money' as const) : part, spent: spent[part], limit }] : [];
  });
}

/**
 * The spend that is written down ahead of the calls of an agent: what is used, and a block of so many more calls as the largest of late, at most
 * a fiftieth of the smallest limit. After a kill no more than the block, and what was held, is taken for spent that was not.
 */
export function aheadOf(used: Amounts, largest: Amounts, limits: readonly SpendLimits[]): Amounts {
  const block = (part: keyof Amounts) => {
    const most = Math.min(...limits.map((one) => one[part] ?? Number.POSITIVE_INFINITY));
    return Math.min(AHEAD_CALLS * largest[part], Math.floor(most / AHEAD_SHARE));
  };
  return plus(used, { calls: block('calls'), tokens: block('tokens'), micros: block('micros') });
}

const AHEAD_CALLS = 16;
const AHEAD_SHARE = 50;
const RISING = 0.8;
