/** Counts that budgets are held to, each apart from the others; `micros` are millionths of a dollar. Whole numbers. */
export interface Amounts {
  calls: number;
  tokens: number;
  micros: number;
}

/** The most that an agent, or all of them, may spend on a day; without a number there is no limit. */
export type SpendLimits = Partial<Amounts>;

/** The spend of an agent on one rung on one day. */
export interface SpendRow {
  /** `2026-11-27`, in the host's zone. */
  day: string;
  agent: string;
  /** Empty: of calls whose ends nobody knows, because the host was killed. */
  rung: string;
  /** Calls that the rung answered last. */
  calls: number;
  promptTokens: number;
  completionTokens: number;
  micros: number;
  /** Tries that gave no answer. */
  failedTries: number;
  /** Tokens that are in `promptTokens` or `completionTokens` and had no price: their money is unknown, and not in `micros`. */
  unpricedTokens: number;
}

/**
 * The most that an agent can have spent on a day: written down before calls go out, and taken for spent when the host comes up and the
 * rows of the day sum up to less.
 */
export interface SpendAhead extends Amounts {
  day: string;
  agent: string;
}

/** The store of what models cost. */
export interface SpendStore {
  /** The rows of the days from ≤ day ≤ to, by day, agent and rung. */
  spendRows(filter: { from: string; to: string; agent?: string }): Promise<SpendRow[]>;
  spendAhead(): Promise<SpendAhead[]>;
  /** Puts rows and what is ahead in the place of those before, as one change. Without calls, tokens and micros nothing is ahead. */
  putSpend(rows: SpendRow[], ahead: SpendAhead[]): Promise<void>;
}
