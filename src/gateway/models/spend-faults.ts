import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { dollarsOf, formatMoney } from '../../kernel/money.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { SpendDecision, SpendObstacle, UnpaidRung } from './spend-rules.ts';

/** How long a call waits for calls in progress that hold the rest of a budget, in ms: most end sooner. */
const HELD_MS = 5_000;

/**
 * The fault of a call for which no rung is left. `BUDGET_SPENT`: its job waits until `data.until` and loses no attempt ·
 * `BUDGET_TOO_SMALL`: the call may cost more than a day has · `PRICE_UNKNOWN`: money is limited, and nobody wrote down a price.
 */
export function spendFault(agent: string, { skipped }: SpendDecision, now: number, dayEnd: number): PlainFault {
  const obstacle = soonestOver(skipped);
  if (!obstacle) return priceUnknown(skipped.map(({ name, model }) => `${model} of ${name}`));
  const { which, whose, spent, reserved, limit, wanted, because } = obstacle;
  const show = (value: number) => amountWords(which, value);
  const who = whose === 'agent' ? agent : 'all agents together';
  const data = { which, whose, agent, ...amounts(which, { spent, reserved, limit, wanted }) };
  const raise = raiseWords(agent, obstacle);
  if (because === 'small') {
    return {
      code: 'BUDGET_TOO_SMALL',
      message: `the call may take ${show(wanted)}, and ${whose === 'agent' ? `${agent} has` : `${who} have`} ${show(limit)} a day`,
      next: `ask with a smaller maxTokens or a shorter prompt, or ${raise}`,
      data,
    };
  }
  if (because === 'reserved') {
    const until = Math.min(now + HELD_MS, dayEnd);
    return {
      code: 'BUDGET_SPENT',
      message: `calls in progress hold ${show(reserved)} of the ${show(limit)} that ${who} may spend today (${show(spent)} spent), and the call may take ${show(wanted)}`,
      next: `it is tried again in ${formatDuration(until - now)}; to ask more at a time, ${raise}`,
      data: { ...data, until },
    };
  }
  const rest = limit - spent > 0 ? `, and the call may take ${show(wanted)}` : '';
  return {
    code: 'BUDGET_SPENT',
    message: `${who} ${whose === 'agent' ? 'has' : 'have'} spent ${show(spent)} of ${show(limit)} today${rest}`,
    next: `calls go on at ${isoOf(dayEnd)}, a new day; to go on today, ${raise}${which === 'money' ? ', or give models.chain a rung with free: true' : ''}`,
    data: { ...data, until: dayEnd },
  };
}

/** `200 calls`, `1,200 tokens`, `$0.42`. */
export function amountWords(which: SpendObstacle['which'], value: number): string {
  return which === 'money'
    ? formatMoney(value)
    : `${value.toLocaleString('en')} ${value === 1 ? which.slice(0, -1) : which}`;
}

/** The fault of a rung whose model has no price while money is limited. */
export function priceUnknown(models: readonly string[]): PlainFault {
  return {
    code: 'PRICE_UNKNOWN',
    message: `money is limited, and nobody wrote down a price of ${models.join(', ')}`,
    next: 'add it to models.prices in config/daruma.yaml, with the day on which you looked, or mark the rung free: true',
    data: { models },
  };
}

/** The fault of a call that could not be written down before it went out. */
export function spendUnwritten(thrown: unknown): PlainFault {
  const why = thrown instanceof Fault ? thrown.plain : { message: String(thrown) };
  return {
    code: 'SPEND_NOT_KEPT',
    message: `no call goes out while the store cannot keep what it may cost: ${why.message}`,
    next: ('next' in why && why.next) || 'look at the disk of the store; calls go on by themselves',
  };
}

function raiseWords(agent: string, { which, whose }: SpendObstacle): string {
  return whose === 'agent'
    ? `raise needs.llm.${which} of ${agent}`
    : `raise models.budget.${which} in config/daruma.yaml`;
}

/** Money for people and plugins is dollars. */
function amounts(which: SpendObstacle['which'], values: Record<string, number>): Record<string, number> {
  if (which !== 'money') return values;
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, dollarsOf(value)]));
}

/** The obstacle that is over first, of those that left no rung. A free rung has fewest: while there is one, money is no obstacle. */
function soonestOver(skipped: readonly UnpaidRung[]): SpendObstacle | undefined {
  const free = skipped.filter(({ price }) => price === 'free');
  const all = (free.length > 0 ? free : skipped).flatMap(({ obstacle }) => obstacle ?? []);
  const of = (because: SpendObstacle['because']) => all.find((one) => one.because === because);
  return of('reserved') ?? of('spent') ?? of('small');
}
