import { MINUTE_MS } from '../../kernel/measures.ts';
import { spellOf } from './decide.ts';
import type { Alert, AlertDelivery, AlertStep, Severity } from './ports.ts';

/** The agents that post, as they are now. */
export interface ChannelFacts {
  /** Epoch ms. */
  now: number;
  /** Agents that are told, by severity. */
  lists: Readonly<Record<Severity, readonly string[]>>;
  /** `held`: its jobs wait, for a person, a probe or a secret · `missing`: there is no such agent. */
  stateOf(channel: string): 'up' | 'held' | 'missing';
}

/** The end of the job of a delivery. `at` in epoch ms. */
export type DeliveryFate =
  | { is: 'waiting'; isRunning: boolean }
  | { is: 'done'; at: number }
  | { is: 'failed'; at: number; why: string };

/** The step that is due for a delivery. `both`: the channel was told nothing of the trouble yet, so it gets begin and end at once. */
export type DeliveryOrder =
  | { do: 'add'; step: AlertStep; channel: string; both: boolean }
  | { do: 'withdraw'; step: AlertStep; channel: string; job: string };

/** A delivery that takes longer is told on other channels, too. */
export const LATE_MS = MINUTE_MS;

interface Plan {
  alert: Alert;
  orders: DeliveryOrder[];
}

/**
 * Plans the deliveries of an alert: channels for the steps that are `fresh`, other channels where those do not deliver, and the jobs that
 * are due. A channel gets one thing after the other: a step waits for the step before it, a reminder is withdrawn while a step
 * before it is on its way, and the end takes the place of what was not delivered.
 */
export function planDeliveries(
  before: Alert,
  fresh: ReadonlySet<number>,
  fates: ReadonlyMap<string, DeliveryFate>,
  facts: ChannelFacts,
): Plan {
  const chosen = withChannels(before, fresh, fates, facts);
  const inLine = new Set(
    chosen.flatMap(({ deliveries }) => deliveries.filter(isUnended).map(({ channel }) => channel)),
  );
  const orders: DeliveryOrder[] = [];
  let alert: Alert = { ...before, steps: chosen };
  for (const channel of inLine) {
    const line = lineOf(alert, channel);
    const [head, next] = line;
    if (head!.delivery.state === 'planned') {
      orders.push({
        do: 'add',
        step: head!.step,
        channel,
        both: head!.step.is === 'over' && !wasReached(alert, head!.step, channel),
      });
    } else if (next) {
      const end = line.findLast(({ step }) => step.is === 'over');
      const { job } = head!.delivery;
      if (!end) alert = withState(alert, next.step.n, channel, { state: 'withdrawn', endedAt: facts.now });
      else if (job !== null && !isRunning(fates.get(job)))
        orders.push({ do: 'withdraw', step: head!.step, channel, job });
    }
  }
  return { alert: isSame(before, alert) ? before : alert, orders };
}

/** The steps with what became of their deliveries, and with the channels that are to have them now. */
function withChannels(
  before: Alert,
  fresh: ReadonlySet<number>,
  fates: ReadonlyMap<string, DeliveryFate>,
  facts: ChannelFacts,
): AlertStep[] {
  // Deliveries of an earlier time of the trouble are left as they are: no other channel hears of it now.
  const begun = before.steps.findLastIndex(({ is }) => is === 'firing');
  const settled = before.steps.map((step) => withFates(step, fates));
  return settled.map((step, at) => {
    const earlier = { ...before, steps: settled.slice(0, at + 1) };
    const others = at < begun ? [] : othersOf(step, earlier, facts);
    const channels = fresh.has(step.n) ? channelsOf(step, earlier, facts) : others;
    return channels.length === 0
      ? step
      : { ...step, deliveries: [...step.deliveries, ...channels.map(planned(facts))] };
  });
}

/** The alert with a delivery changed. */
export function withState(alert: Alert, n: number, channel: string, change: Partial<AlertDelivery>): Alert {
  const steps = alert.steps.map((step) =>
    step.n !== n
      ? step
      : { ...step, deliveries: step.deliveries.map((one) => (one.channel === channel ? { ...one, ...change } : one)) },
  );
  return { ...alert, steps };
}

/** Whether a delivery is still on its way. */
export function isUnended({ state }: Pick<AlertDelivery, 'state'>): boolean {
  return state === 'planned' || state === 'waiting';
}

/** The channels of a step: of its end those that were to hear of its begin, else those of its severity, and others where one of those cannot. */
function channelsOf(step: AlertStep, alert: Alert, facts: ChannelFacts): string[] {
  if (step.silent) return [];
  if (step.is === 'over') {
    const begun = alert.steps.findLastIndex(({ is }) => is === 'firing');
    const heard = alert.steps.slice(Math.max(0, begun)).flatMap(({ deliveries }) => deliveries);
    return [...new Set(heard.map(({ channel }) => channel))].filter((one) => facts.stateOf(one) !== 'missing');
  }
  const own = facts.lists[alert.severity].filter((one) => one !== alert.agent && facts.stateOf(one) !== 'missing');
  const isWhole = facts.lists[alert.severity].every((one) => one !== alert.agent && facts.stateOf(one) === 'up');
  return [...new Set(isWhole ? own : [...own, ...upChannels(alert, facts)])];
}

/** Channels to which nobody has sent the step so far, where those that should have it do not deliver. */
function othersOf(step: AlertStep, alert: Alert, facts: ChannelFacts): string[] {
  const { deliveries } = step;
  const isWanted = step.is !== 'reminder' && step.silent === undefined && deliveries.length > 0;
  if (!isWanted || deliveries.some(({ state }) => state === 'delivered' || state === 'withdrawn')) return [];
  const isStuck = ({ state, at, channel }: AlertDelivery) =>
    state === 'failed' || facts.now - at > LATE_MS || facts.stateOf(channel) !== 'up';
  if (!deliveries.every(isStuck)) return [];
  return upChannels(alert, facts).filter((one) => !deliveries.some(({ channel }) => channel === one));
}

function upChannels({ agent }: Alert, { lists, stateOf }: ChannelFacts): string[] {
  return Object.values(lists)
    .flat()
    .filter((one) => one !== agent && stateOf(one) === 'up');
}

function planned({ now }: ChannelFacts) {
  return (channel: string): AlertDelivery => ({
    channel,
    state: 'planned',
    job: null,
    at: now,
    endedAt: null,
    why: null,
  });
}

/** The deliveries to a channel that have not ended, oldest first. */
function lineOf({ steps }: Alert, channel: string) {
  return steps.flatMap((step) =>
    step.deliveries.filter((one) => one.channel === channel && isUnended(one)).map((delivery) => ({ step, delivery })),
  );
}

/** Whether the channel delivered anything of the trouble before that step. */
function wasReached(alert: Alert, { n }: AlertStep, channel: string): boolean {
  const spell = spellOf({ steps: alert.steps.filter((step) => step.n < n) });
  return spell.some(({ deliveries }) => deliveries.some((one) => one.channel === channel && one.state === 'delivered'));
}

function withFates(step: AlertStep, fates: ReadonlyMap<string, DeliveryFate>): AlertStep {
  const deliveries = step.deliveries.map((one): AlertDelivery => {
    const fate = one.state === 'waiting' && one.job !== null ? fates.get(one.job) : undefined;
    if (!fate || fate.is === 'waiting') return one;
    if (fate.is === 'done') return { ...one, state: 'delivered', endedAt: fate.at };
    return { ...one, state: 'failed', endedAt: fate.at, why: fate.why };
  });
  return deliveries.every((one, at) => one === step.deliveries[at]) ? step : { ...step, deliveries };
}

function isRunning(fate: DeliveryFate | undefined): boolean {
  return fate?.is === 'waiting' && fate.isRunning;
}

function isSame(before: Alert, after: Alert): boolean {
  return before.steps.every((step, at) => step === after.steps[at]);
}
