import type { SpentTry, TokenUsage } from './ports.ts';
import type { Amounts, SpendAhead, SpendLimits, SpendRow } from './spend.ts';
import {
  aheadOf,
  costOf,
  each,
  isNothing,
  isWithinAmounts,
  type ModelPrice,
  minus,
  NO_AMOUNTS,
  plus,
  type SpendDecision,
} from './spend-rules.ts';

/** The spend of an agent on a day, and the part that calls in progress hold. */
export interface SpendAccount {
  day: string;
  agent: string;
  rows: Map<string, SpendRow>;
  spent: Amounts;
  /** By calls in progress. */
  reserved: Amounts;
  /** The largest reservation of late: what is written ahead is a few of those. */
  largest: Amounts;
  limits: SpendLimits;
  /** The spend that the store has ahead; the least that it may have, unless `isSure`. */
  covered: Amounts;
  isSure: boolean;
  /** Rungs whose rows the store does not have yet. */
  dirty: Set<string>;
  /** Of the last call, monotonic ms. */
  calledAt: number;
}

/** A call in progress. */
export interface OpenCall {
  account: SpendAccount;
  decision: SpendDecision;
}

export function newAccount(day: string, agent: string, rows: readonly SpendRow[]): SpendAccount {
  return {
    ...{ day, agent, rows: new Map(rows.map((row) => [row.rung, row])) },
    spent: rows.map(amountsOf).reduce(plus, NO_AMOUNTS),
    ...{ reserved: NO_AMOUNTS, largest: NO_AMOUNTS, limits: {}, covered: NO_AMOUNTS, isSure: true },
    ...{ dirty: new Set<string>(), calledAt: Number.NEGATIVE_INFINITY },
  };
}

export function amountsOf({ calls, promptTokens, completionTokens, micros }: SpendRow): Amounts {
  return { calls, tokens: promptTokens + completionTokens, micros };
}

/** Reserves for a call. */
export function hold(account: SpendAccount, reserved: Amounts): void {
  account.reserved = plus(account.reserved, reserved);
  account.largest = each(account.largest, reserved, (before, one) => Math.max(one, Math.floor(before * FADING)));
}

/** Whether a kill of the host now would lose nothing of what the account spent and holds. */
export const isCovered = (account: SpendAccount) => isWithinAmounts(usedOf(account), account.covered);

/** Whether another call like the largest of late would be covered, too. */
export const isAmple = (account: SpendAccount) =>
  isWithinAmounts(plus(usedOf(account), account.largest), account.covered);

/** Whether the store may have something ahead. */
export const isAhead = ({ covered, isSure }: SpendAccount) => !isSure || !isNothing(covered);

const usedOf = ({ spent, reserved }: SpendAccount) => plus(spent, reserved);

/** Counts what a call was billed, in the place of what was reserved for it; by rung, in order. */
export function settleCall(
  { account, decision }: OpenCall,
  tries: readonly SpentTry[],
  priceOf: (rung: string, model: string) => ModelPrice,
): { rung: string; spent: Amounts }[] {
  account.reserved = minus(account.reserved, decision.reserved);
  return tries.map(({ rung, model, usage, ...end }, index) => {
    const reserved = decision.go.find(({ name }) => name === rung);
    const price = reserved?.model === model ? reserved.price : priceOf(rung, model);
    const billed = believed(usage) ?? (isBilled(end) ? reserved?.tokens : undefined) ?? NO_TOKENS;
    const calls = index === tries.length - 1 ? 1 : 0;
    const spent = change(account, rung, {
      calls,
      ...billed,
      micros: costOf(billed, price),
      failedTries: end.verdict === 'good' ? 0 : 1,
      unpricedTokens: price === 'unknown' ? billed.promptTokens + billed.completionTokens : 0,
    });
    return { rung, spent };
  });
}

/** Counts as spent what the store has ahead of the rows: the host was killed, and nobody knows the ends of its last calls. */
export function chargeUnknown(account: SpendAccount, ahead: Amounts): void {
  const [calls, tokens, micros] = (['calls', 'tokens', 'micros'] as const).map((part) =>
    Math.max(0, ahead[part] - account.spent[part]),
  ) as [number, number, number];
  account.isSure = false;
  if (isNothing({ calls, tokens, micros })) return;
  change(account, '', { calls, promptTokens: tokens, completionTokens: 0, micros, failedTries: 0, unpricedTokens: 0 });
}

/** The rows that the store lacks, and what is to be ahead of them: nothing more than is used when the agent makes no calls any more. */
export function toWrite(
  account: SpendAccount,
  isIdle: boolean,
  limits: SpendLimits,
): { rows: SpendRow[]; ahead: SpendAhead } {
  const { day, agent } = account;
  const used = usedOf(account);
  const isOver = isIdle && isNothing(account.reserved);
  const ahead = isOver ? NO_AMOUNTS : aheadOf(used, account.largest, [account.limits, limits]);
  return { rows: [...account.dirty].map((rung) => account.rows.get(rung)!), ahead: { day, agent, ...ahead } };
}

/** Whether a try without usage counts as billed, as it was reserved: its provider may have answered. */
function isBilled({ verdict, mayBeBilled }: Pick<SpentTry, 'verdict' | 'mayBeBilled'>): boolean {
  return mayBeBilled ?? (verdict === 'good' || verdict === 'unusable' || verdict === 'gone');
}

/** Usage as its provider says; undefined for numbers that are none, or that no answer has. */
function believed(usage: TokenUsage | null): TokenUsage | undefined {
  if (!usage) return undefined;
  const { promptTokens, completionTokens } = usage;
  const isCount = (tokens: number) => Number.isSafeInteger(tokens) && tokens >= 0 && tokens <= MOST_TOKENS;
  return isCount(promptTokens) && isCount(completionTokens) ? { promptTokens, completionTokens } : undefined;
}

function change(account: SpendAccount, rung: string, by: Omit<SpendRow, 'day' | 'agent' | 'rung'>): Amounts {
  const { day, agent } = account;
  const row = account.rows.get(rung) ?? { day, agent, rung, ...NO_ROW };
  account.rows.set(rung, {
    ...{ day, agent, rung },
    calls: row.calls + by.calls,
    promptTokens: row.promptTokens + by.promptTokens,
    completionTokens: row.completionTokens + by.completionTokens,
    micros: row.micros + by.micros,
    failedTries: row.failedTries + by.failedTries,
    unpricedTokens: row.unpricedTokens + by.unpricedTokens,
  });
  account.dirty.add(rung);
  const amounts = { calls: by.calls, tokens: by.promptTokens + by.completionTokens, micros: by.micros };
  account.spent = plus(account.spent, amounts);
  return amounts;
}

/** A call that is larger by far is forgotten by and by. */
const FADING = 7 / 8;
/** No provider takes or gives so many tokens at a time. */
const MOST_TOKENS = 100_000_000;
const NO_TOKENS: TokenUsage = { promptTokens: 0, completionTokens: 0 };
const NO_ROW = { calls: 0, promptTokens: 0, completionTokens: 0, micros: 0, failedTries: 0, unpricedTokens: 0 };
