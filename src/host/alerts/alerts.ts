import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Service } from '../../kernel/service.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import { decideAlerts, isAnnounced, RETURN_WITHIN_MS } from '../../telemetry/alerts/decide.ts';
import { type DeliveryOrder, isUnended, planDeliveries, withState } from '../../telemetry/alerts/deliveries.ts';
import type { Alert, AlertStep, AlertStore } from '../../telemetry/alerts/ports.ts';
import { blockOf, composePost, type Post } from '../../telemetry/alerts/text.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Channels } from './channels.ts';
import { type AlertFactNeeds, gatherAlertFacts } from './gather.ts';
import { createSummaries } from './summaries.ts';

/**
 * Tells people of troubles: each once, with reminders and its end, on the channels of the settings, in the terminal and in a file. Each
 * alert is written down before it is sent, and sent as a job with a key, so that neither a killed host nor a channel that is away
 * loses or repeats it.
 */
export interface Alerts extends Service {
  /** A fact of alerts may have changed. */
  soon(): void;
  /** An agent's attempt has ended: perhaps that of a delivery. */
  ended(agent: string): void;
  /** Alerts that hold, or are on their way, or were over within the hour. */
  current(): readonly Alert[];
}

interface AlertsNeeds extends AlertFactNeeds {
  time: Time;
  log: Log;
  store: AlertFactNeeds['store'] & AlertStore;
  channels: Channels;
  /** The machine and the installation, for people. */
  place: string;
  /** The address of the page where people outside of this machine see it. */
  page: string | undefined;
  /** Writes to the terminal of the host; undefined: it has none. */
  say: ((text: string) => void) | undefined;
  events: Pick<Events, 'record'>;
  /** Adds to the file of alerts. May throw. */
  write(key: string, block: string): void;
}

const EVERY_MS = 15_000;
/** Many incidents at once are one look. */
const SOON_MS = 50;
/** A job that is done may be the last that an alert waits for; an agent with dead letters may have many of them a second. */
const LATER_MS = 2_000;
const MOST_LOADED = 1_000;

export function createAlerts(needs: AlertsNeeds): Alerts {
  const { time, log, store, settings, channels } = needs;
  /** By id: what holds, owes its end, may come back, or is on its way. */
  let memory = new Map<string, Alert>();
  const summaries = createSummaries(needs);
  const cancels = new Map<number, () => void>();
  const clock = () => ({ now: time.now(), zone: settings.timezone });
  const isKept = (one: Alert) =>
    one.state === 'firing' ||
    isAnnounced(one) ||
    time.now() - (one.endedAt ?? 0) < RETURN_WITHIN_MS ||
    one.steps.some(({ deliveries }) => deliveries.some(isUnended));

  function postOf(alert: Alert, step: AlertStep, both = false): Post {
    return composePost(alert, step, { clock: clock(), place: needs.place, page: needs.page, both });
  }

  async function keep(alerts: readonly Alert[]) {
    if (alerts.length > 0) await store.putAlerts([...alerts]);
    for (const one of alerts) memory.set(one.id, one);
  }

  const blockFor = (alert: Alert, step: AlertStep) => blockOf(alert, step, postOf(alert, step), clock());

  function writeToFile(alert: Alert, step: AlertStep) {
    if (step.silent) return;
    try {
      if (settings.alerts.file !== null) needs.write(`[${alert.id} ${step.n}]`, blockFor(alert, step));
    } catch (error) {
      log.error('an alert could not be written to its file', { fault: toPlainFault(error) });
    }
  }

  async function carryOut(alert: Alert, order: DeliveryOrder): Promise<Alert> {
    const { step, channel } = order;
    if (order.do === 'withdraw') {
      const isBack = await channels.withdraw(order.job);
      return isBack ? withState(alert, step.n, channel, { state: 'withdrawn', endedAt: time.now() }) : alert;
    }
    const key = `alert:${alert.id}:${step.n}-${step.is}`;
    const job = await channels.post(channel, key, postOf(alert, step, order.both));
    return withState(alert, step.n, channel, { state: 'waiting', job });
  }

  /** Plans and does what is due for the alerts; resolves with whether more is due now. */
  async function deliver(fates: Awaited<ReturnType<Channels['fates']>>, changed: readonly Alert[]): Promise<boolean> {
    const facts = channels.facts();
    const changes = new Map(changed.map((one) => [one.id, one]));
    const plans = [...new Map([...memory, ...changes]).values()].flatMap((one) => {
      const last = memory.get(one.id)?.steps.at(-1)?.n ?? 0;
      const fresh = one.steps.filter(({ n }) => n > last);
      const plan = planDeliveries(one, new Set(fresh.map(({ n }) => n)), fates, facts);
      return plan.alert === memory.get(one.id) && plan.orders.length === 0 ? [] : [{ ...plan, fresh }];
    });
    await keep(plans.map(({ alert }) => alert));
    for (const { alert, fresh, orders } of plans) {
      for (const step of fresh) {
        // Terminal and file come first: no channel may be in their way.
        if (!step.silent) needs.say?.(blockFor(alert, step));
        recordAlert(needs.events, alert, step);
        writeToFile(alert, step);
      }
      let after = alert;
      for (const order of orders) after = await carryOut(after, order);
      if (after !== alert) await keep([after]);
    }
    return plans.some(({ orders }) => orders.some((order) => order.do === 'withdraw'));
  }

  async function turn(): Promise<number> {
    const known = [...memory.values()];
    const fates = await channels.fates(known);
    const facts = await gatherAlertFacts(needs, known, channels.troubled(known, fates));
    const decided = decideAlerts(facts, known);
    const current = new Map([...memory, ...decided.map((one) => [one.id, one] as const)]);
    const isMore = await deliver(fates, [...decided, ...(await summaries.due([...current.values()]))]);
    memory = new Map([...memory].filter(([, one]) => isKept(one)));
    return isMore ? 0 : EVERY_MS;
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('alerts could not be decided', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn },
  );

  function lookIn(ms: number) {
    if (loop.alive() === undefined || cancels.has(ms)) return;
    const look = () => {
      cancels.delete(ms);
      loop.soon();
    };
    cancels.set(ms, time.after(ms, look));
  }

  return {
    async start() {
      if (loop.alive() !== undefined) return;
      const kept = await store.alerts({ limit: MOST_LOADED });
      memory = new Map(kept.filter(isKept).map((one) => [one.id, one]));
      // Channels whose last delivery failed, a day ago perhaps.
      channels.troubled(kept, new Map());
      summaries.load(kept);
      // A host that was killed may have written down what it had not told yet; the file knows what it has.
      for (const one of memory.values()) {
        const last = one.steps.at(-1);
        if (last && time.now() - last.at < RETURN_WITHIN_MS) writeToFile(one, last);
      }
      await loop.start();
    },
    async stop() {
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
      await loop.stop();
    },
    alive: loop.alive,
    soon: () => lookIn(SOON_MS),
    ended(agent) {
      const isOnItsWay = ({ channel, state }: { channel: string; state: string }) =>
        channel === agent && state === 'waiting';
      const known = [...memory.values()];
      if (known.some(({ steps }) => steps.some((step) => step.deliveries.some(isOnItsWay)))) lookIn(SOON_MS);
      else if (known.some((one) => one.agent === agent && one.state === 'firing')) lookIn(LATER_MS);
    },
    current: () => [...memory.values()],
  };
}

/**
 * Records that people are told of a trouble, or of its end: the begin came of the incident, the warning or the dead letter, the end of the
 * end of the incident, or else of the begin. Reminders, digests and steps that nobody is told of are no event.
 */
function recordAlert(events: Pick<Events, 'record'>, alert: Alert, step: AlertStep): void {
  const { id, agent, severity, title, incident, cameOf = [] } = alert;
  if (step.silent || (step.is !== 'firing' && step.is !== 'over')) return;
  const own = subject.alert(id);
  const ofIncident = incident === null ? [] : [subject.incident(incident)];
  const isOver = step.is === 'over';
  events.record(isOver || severity !== 'open' ? 'info' : 'warn', {
    ...{ kind: `alert.${step.is}`, agent, who: 'alerts' },
    message: isOver ? `people are told that it is over: ${oneLine(title)}` : `people are told: ${oneLine(title)}`,
    data: { alert: id, severity, incident },
    ...{ about: [own], cameOf: isOver ? [...ofIncident, own] : [...cameOf] },
  });
}
