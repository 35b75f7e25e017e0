import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { Catalog } from '../../catalog/ports.ts';
import type { CallLedger } from '../../gateway/models/calls.ts';
import { createSpendLedger, type SpendLedger } from '../../gateway/models/ledger.ts';
import type { SkippedRung } from '../../gateway/models/ports.ts';
import type { SpendLimits, SpendStore } from '../../gateway/models/spend.ts';
import { amountWords, priceUnknown } from '../../gateway/models/spend-faults.ts';
import type { ModelPrice, SpentBudget, UnpaidRung } from '../../gateway/models/spend-rules.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { StateStore } from '../../jobs/ports.ts';
import { given } from '../../kernel/given.ts';
import { dollarsOf, microsOf } from '../../kernel/money.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { Meter } from '../../telemetry/meter/meter.ts';
import type { MetricStore } from '../../telemetry/meter/ports.ts';
import type { UsageStore } from '../../telemetry/ports.ts';
import { createUsageMeter, type UsageMeter } from '../../telemetry/usage.ts';
import type { HostFacts } from '../facts.ts';
import { diskOf } from './disk.ts';

/** The spend of agents and their use of the machine, for their bills. */
export interface Billing {
  ledger: SpendLedger;
  usage: UsageMeter;
  /** The ledger as calls of models ask it: money in dollars, and the limits those of the agent now. */
  calls: CallLedger;
}

interface BillingNeeds {
  time: Time;
  journal: Pick<Journal, 'child'>;
  events: Pick<Events, 'record'>;
  meter: Pick<Meter, 'count' | 'gauge'>;
  store: SpendStore & UsageStore & Pick<StateStore, 'stateSizes'> & Pick<MetricStore, 'metrics'>;
  facts: Pick<HostFacts, 'logFolder'>;
  settings: Pick<HostSettings, 'timezone' | 'models'>;
  catalog: Pick<Catalog, 'agents' | 'rollouts'>;
  runnableAgents(): ReadonlyMap<string, Agent>;
}

export function createBilling(needs: BillingNeeds): Billing {
  const { time, journal, events, meter, store, settings, catalog } = needs;
  const unpriced = new Set<string>();
  const base = { time, store, timezone: () => settings.timezone };
  const ledger = createSpendLedger({
    ...{ ...base, log: journal.child('models') },
    limits: () => limitsOf(settings.models.budget),
    priceOf: (rung, model) => priceOf(settings.models, rung, model),
    rose: (budget) => events.record('warn', risingEvent(budget)),
  });
  const usage = createUsageMeter({
    ...{ ...base, meter, log: journal.child('telemetry') },
    disk: () => diskOf({ store, catalog, logFolder: needs.facts.logFolder }, time.now()),
  });

  /** Says once of each model that it has no price, while money is limited. */
  function recordUnpriced({ name, model }: UnpaidRung) {
    const key = `${name}/${model}`;
    if (unpriced.has(key)) return;
    unpriced.add(key);
    const { message, next } = priceUnknown([`${model} of ${name}`]);
    events.record('warn', {
      kind: 'models.unpriced',
      agent: null,
      message: `${message}: the rung is not asked`,
      data: { next },
    });
  }

  return {
    ledger,
    usage,
    calls: {
      async begin(call) {
        const llm = needs.runnableAgents().get(call.agent)?.needs.llm;
        const answer = await ledger.begin({ ...call, limits: typeof llm === 'object' ? limitsOf(llm) : {} });
        const skipped = answer.is === 'go' ? answer.skipped : (answer.skipped ?? []);
        for (const rung of skipped) if (!rung.obstacle) recordUnpriced(rung);
        if (answer.is === 'refused') return answer;
        const go = answer.go.map(({ name, micros }) => ({ name, money: dollarsOf(micros) }));
        return { is: 'go', go, skipped: skipped.map(viewSkipped) };
      },
      end: (id, tries) => ({ money: dollarsOf(ledger.end(id, tries)) }),
      lost: ledger.lost,
    },
  };
}

function limitsOf({ calls, tokens, money }: { calls?: number; tokens?: number; money?: number }): SpendLimits {
  return given({ calls, tokens, micros: money === undefined ? undefined : microsOf(money) });
}

/** A price of the rung comes before one of every rung. */
function priceOf({ chain, prices }: HostSettings['models'], rung: string, model: string): ModelPrice {
  if (chain.find(({ name }) => name === rung)?.free) return 'free';
  const known = prices.filter((price) => price.model === model && (price.rung === null || price.rung === rung));
  const price = known.find((one) => one.rung === rung) ?? known[0];
  return price ? { input: microsOf(price.input), output: microsOf(price.output) } : 'unknown';
}

function viewSkipped({ name, model, obstacle }: UnpaidRung): SkippedRung {
  if (!obstacle) return { name, why: `nobody wrote down a price of ${model}`, retryAt: null };
  const { which, whose, spent, limit } = obstacle;
  const who = whose === 'agent' ? 'its agent' : 'all agents';
  const why = `no ${which} left for a try of it: ${who} spent ${amountWords(which, spent)} of ${amountWords(which, limit)} today`;
  return { name, why, retryAt: null };
}

function risingEvent({ agent, which, spent, limit }: SpentBudget) {
  const budget = { which, spent, limit, share: Math.floor((spent / limit) * 100) };
  return { kind: 'budget.rising', agent, message: risingWords({ agent, which, spent, limit }), data: budget };
}

/** `shop has spent 84 % of today’s money of models: $4.21 of $5` */
export function risingWords({ agent, which, spent, limit }: SpentBudget): string {
  const who = agent === null ? 'all agents together have' : `${agent} has`;
  const share = Math.floor((spent / limit) * 100);
  const spentWords = which === 'money' ? amountWords(which, spent) : spent.toLocaleString('en');
  return `${who} spent ${share} % of today’s ${which} of models: ${spentWords} of ${amountWords(which, limit)}`;
}
