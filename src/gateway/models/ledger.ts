import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { CallEstimate, SpentTry } from './ports.ts';
import type { Amounts, SpendLimits, SpendStore } from './spend.ts';
import {
  hold,
  isAmple,
  isCovered,
  newAccount,
  type OpenCall,
  type SpendAccount,
  settleCall,
} from './spend-accounts.ts';
import { createSpendDays, type SpendDay } from './spend-days.ts';
import { spendFault, spendUnwritten } from './spend-faults.ts';
import {
  budgetsOf,
  decideSpend,
  isNothing,
  type ModelPrice,
  minus,
  NO_AMOUNTS,
  plus,
  type ReservedRung,
  risingOf,
  type SpentBudget,
  type UnpaidRung,
} from './spend-rules.ts';
import { createSpendWriter } from './spend-writer.ts';

/**
 * Holds agents to what they may spend on models within a day of the host's zone: reserved before a call, settled after it.
 *
 * Promises: what is spent and reserved is never above a limit, as long as no answer is larger than was reserved for it. Calls, tokens
 * and money are judged apart, for the agent and for all agents together. Nothing is counted twice. A call waits for the disk only
 * where it outruns what was written ahead: its agent's first one after half a minute. After a kill of the host at any moment the sums
 * are not below what was spent, and at most a block of each agent above. A call belongs to the day on which it began.
 */
export interface SpendLedger extends Service {
  begin(call: SpendCall): Promise<SpendAnswer>;
  /** The call is over; returns its money in micros. Later ends of the same call, and those of unknown calls, change nothing. */
  end(id: string, tries: readonly SpentTry[]): number;
  /**
   * The call has no end, since its gateway or worker is gone. `tries`: those that are known to be over. `isOut`: a further try may
   * have gone out; it counts as billed.
   */
  lost(id: string, tries: readonly SpentTry[], isOut: boolean): void;
  /** The money and tokens that the agent spent today, without calls in progress; undefined: all agents. */
  today(agent?: string): Amounts;
  /** The money and tokens that each agent spent since the host started, by rung. */
  totals(): ReadonlyMap<string, ReadonlyMap<string, Amounts>>;
  /** Budgets of today of which at least 80 % are spent. */
  rising(): SpentBudget[];
  /** All budgets of today of agents that asked a model, and those of all agents together; `end`: of the day, epoch ms. */
  budgets(): { day: string; end: number; budgets: SpentBudget[] };
}

interface SpendCall {
  id: string;
  agent: string;
  estimate: CallEstimate;
  rungs: readonly { name: string; model: string }[];
  /** Of the agent. */
  limits: SpendLimits;
}

export type SpendAnswer =
  | { is: 'go'; go: readonly ReservedRung[]; skipped: readonly UnpaidRung[] }
  /** `skipped` is left out where the store refused. */
  | { is: 'refused'; fault: PlainFault; skipped?: readonly UnpaidRung[] };

interface LedgerNeeds {
  time: Time;
  log: Log;
  store: SpendStore;
  timezone(): string;
  /** Of all agents. */
  limits(): SpendLimits;
  priceOf(rung: string, model: string): ModelPrice;
  /** A budget has reached 80 %: once a day for each limit. */
  rose(budget: SpentBudget): void;
}

const EVERY_MS = 500;

export function createSpendLedger(needs: LedgerNeeds): SpendLedger {
  const { time, log, store } = needs;
  const days = createSpendDays(needs);
  const open = new Map<string, OpenCall & { of: SpendDay }>();
  const totals = new Map<string, Map<string, Amounts>>();
  const written = createSpendWriter({ ...needs, days, isLast: () => loop.alive() === undefined });

  async function begin(call: SpendCall): Promise<SpendAnswer> {
    const { day, end } = days.today();
    try {
      const of = days.get(day) ?? (await days.load(day));
      const account = accountOf(of, call);
      const rungs = call.rungs.map((rung) => ({ ...rung, price: needs.priceOf(rung.name, rung.model) }));
      const decision = decideSpend(rungs, call.estimate, [
        { whose: 'agent', spent: account.spent, reserved: account.reserved, limits: call.limits },
        { whose: 'all', spent: of.spent, reserved: of.reserved, limits: needs.limits() },
      ]);
      if (decision.go.length === 0) {
        const fault = spendFault(call.agent, decision, time.now(), end);
        return { is: 'refused', fault, skipped: decision.skipped };
      }
      open.set(call.id, { of, account, decision });
      hold(account, decision.reserved);
      of.reserved = plus(of.reserved, decision.reserved);
      if (!isCovered(account)) await written();
      else if (!isAmple(account)) writeSoon();
      return { is: 'go', go: decision.go, skipped: decision.skipped };
    } catch (thrown) {
      close(call.id, []);
      return { is: 'refused', fault: spendUnwritten(thrown) };
    }
  }

  function accountOf({ day, accounts }: SpendDay, { agent, limits }: SpendCall): SpendAccount {
    const account = accounts.get(agent) ?? newAccount(day, agent, []);
    accounts.set(agent, account);
    account.limits = limits;
    account.calledAt = time.monotonic();
    return account;
  }

  function close(id: string, tries: readonly SpentTry[]): number {
    const call = open.get(id);
    if (!call) return 0;
    open.delete(id);
    const { of, account, decision } = call;
    const before = { agent: account.spent, all: of.spent };
    const settled = settleCall(call, tries, needs.priceOf);
    const spent = settled.reduce((sum, { spent: one }) => plus(sum, one), NO_AMOUNTS);
    of.reserved = minus(of.reserved, decision.reserved);
    of.spent = plus(of.spent, spent);
    if (isNothing(spent)) return 0;
    const rungs = totals.get(account.agent) ?? new Map<string, Amounts>();
    totals.set(account.agent, rungs);
    for (const { rung, spent: one } of settled) rungs.set(rung, plus(rungs.get(rung) ?? NO_AMOUNTS, one));
    if (!isCovered(account)) writeSoon();
    const rose = [
      ...risingOf(account.agent, account.spent, account.limits, before.agent),
      ...risingOf(null, of.spent, needs.limits(), before.all),
    ];
    for (const budget of rose) needs.rose(budget);
    return spent.micros;
  }

  /** The rung that may be out is the dearest of those that were not tried. */
  function lost(id: string, tries: readonly SpentTry[], isOut: boolean) {
    const left = open.get(id)?.decision.go.filter(({ name }) => !tries.some(({ rung }) => rung === name)) ?? [];
    const out = left.toSorted((a, b) => b.micros - a.micros)[0];
    const last: SpentTry[] = isOut && out ? [{ rung: out.name, model: out.model, usage: null, verdict: 'gone' }] : [];
    close(id, [...tries, ...last]);
  }

  /** The loop tries again what fails here. */
  function writeSoon() {
    void written().catch(() => {});
  }

  async function turn() {
    await days.load(days.today().day);
    await written();
    days.forgetOld();
  }

  const failed = (error: unknown) =>
    log.error('what models cost could not be written down', { fault: toPlainFault(error) });
  const loop = createLoop({ time, failed }, { everyMs: EVERY_MS, turn });
  return {
    begin,
    end: close,
    lost,
    today(agent) {
      const of = days.get(days.today().day);
      return (agent === undefined ? of?.spent : of?.accounts.get(agent)?.spent) ?? NO_AMOUNTS;
    },
    totals: () => totals,
    rising() {
      const of = days.get(days.today().day);
      if (!of) return [];
      const agents = [...of.accounts.values()].flatMap(({ agent, spent, limits }) => risingOf(agent, spent, limits));
      return [...risingOf(null, of.spent, needs.limits()), ...agents];
    },
    budgets() {
      const { day, end } = days.today();
      const of = days.get(day);
      const agents = [...(of?.accounts.values() ?? [])].flatMap(({ agent, spent, limits }) =>
        budgetsOf(agent, spent, limits),
      );
      return { day, end, budgets: [...budgetsOf(null, of?.spent ?? NO_AMOUNTS, needs.limits()), ...agents] };
    },
    async start() {
      for (const { day } of await store.spendAhead()) await days.load(day);
      await days.load(days.today().day);
      await loop.start();
    },
    async stop() {
      await loop.stop();
      // A host that stops has no gateway any more: the calls in progress have no other end.
      for (const id of [...open.keys()]) lost(id, [], true);
      await written().catch(failed);
    },
    alive: loop.alive,
  };
}
