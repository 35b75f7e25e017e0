import { decideAlerts, isAnnounced, RETURN_WITHIN_MS } from '../../../src/telemetry/alerts/decide.ts';
import { type DeliveryFate, isUnended, planDeliveries, withState } from '../../../src/telemetry/alerts/deliveries.ts';
import type { Alert, AlertTrouble, Severity } from '../../../src/telemetry/alerts/ports.ts';

export const T0 = Date.UTC(2026, 10, 24, 12);

export function trouble(fingerprint: string, more: Partial<AlertTrouble> = {}): AlertTrouble {
  return {
    ...{
      fingerprint,
      severity: 'open',
      agent: fingerprint,
      since: T0,
      title: `${fingerprint} is stuck`,
      seen: 'it is',
    },
    ...{
      done: [],
      left: 'mend it',
      next: 'daruma status',
      culprit: null,
      incident: null,
      parent: null,
      needsPerson: true,
    },
    ...more,
  };
}

/** A thing that a channel was sent. */
export interface Sent {
  at: number;
  alert: string;
  fingerprint: string;
  channel: string;
  is: string;
  both: boolean;
  job: string;
}

/** A step, with what was true when it was decided: whether the trouble held, and what kept people from being told. */
interface Decided {
  at: number;
  alert: string;
  is: string;
  silent: boolean;
  holds: boolean;
  kept: 'muted' | 'window' | 'parent' | null;
}

/** An installation with channels, in which troubles come and go: the decisions of alerts run in it as the host runs them. */
export function alertWorld(lists: Partial<Record<Severity, string[]>> = { open: ['mail'], warning: ['mail'] }) {
  const world = {
    now: T0,
    troubles: new Map<string, AlertTrouble>(),
    muted: new Set<string>(),
    windows: new Set<string | null>(),
    state: new Map<string, 'up' | 'held' | 'missing'>(),
    known: [] as Alert[],
    sent: [] as Sent[],
    jobs: new Map<string, DeliveryFate>(),
    /** Everything that was ever decided. */
    steps: [] as Decided[],
  };
  const all: Record<Severity, string[]> = { open: [], warning: [], healed: [], digest: [], ...lists };

  function keptBack({ fingerprint, agent, parent }: Alert): Decided['kept'] {
    if (world.muted.has(fingerprint)) return 'muted';
    if (world.windows.has(null) || world.windows.has(agent)) return 'window';
    return parent !== null && world.troubles.has(parent) ? 'parent' : null;
  }

  /** A turn of the host: decides, keeps, and gives jobs to the channels. */
  function turn(): void {
    const { now } = world;
    const changed = decideAlerts(
      {
        now,
        troubles: [...world.troubles.values()],
        isMuted: (fingerprint) => world.muted.has(fingerprint),
        isInWindow: (agent) => world.windows.has(null) || world.windows.has(agent),
        endOf: () => ({ at: now, words: 'it is gone' }),
      },
      world.known,
    );
    const before = new Map(world.known.map((one) => [one.id, one]));
    for (const one of changed) before.set(one.id, one);
    world.known = [...before.values()].map((one) => {
      const last = world.known.find(({ id }) => id === one.id)?.steps.at(-1)?.n ?? 0;
      const fresh = new Set(one.steps.filter(({ n }) => n > last).map(({ n }) => n));
      for (const { is, silent } of one.steps.filter(({ n }) => fresh.has(n)))
        world.steps.push({
          ...{ at: now, alert: one.id, is, silent: silent !== undefined },
          ...{ holds: world.troubles.has(one.fingerprint), kept: keptBack(one) },
        });
      return deliver(one, fresh);
    });
    world.known = world.known.filter(
      (one) =>
        one.state === 'firing' ||
        isAnnounced(one) ||
        now - one.endedAt! < RETURN_WITHIN_MS ||
        one.steps.some(({ deliveries }) => deliveries.some(isUnended)),
    );
  }

  function deliver(one: Alert, fresh: Set<number>): Alert {
    const facts = { now: world.now, lists: all, stateOf: (channel: string) => world.state.get(channel) ?? 'up' };
    const { alert, orders } = planDeliveries(one, fresh, world.jobs, facts);
    return orders.reduce((sum, order) => {
      const { n } = order.step;
      if (order.do === 'withdraw') {
        world.jobs.delete(order.job);
        return withState(sum, n, order.channel, { state: 'withdrawn', endedAt: world.now });
      }
      const job = `${one.id}:${n}:${order.channel}`;
      world.jobs.set(job, { is: 'waiting', isRunning: false });
      const { is } = order.step;
      const facts = { alert: one.id, fingerprint: one.fingerprint, channel: order.channel, is, both: order.both };
      world.sent.push({ at: world.now, ...facts, job });
      return withState(sum, n, order.channel, { state: 'waiting', job });
    }, alert);
  }

  return {
    world,
    turn,
    /** Lets time pass. */
    pass(ms: number) {
      world.now += ms;
      turn();
    },
    begin(fingerprint: string, more: Partial<AlertTrouble> = {}) {
      world.troubles.set(fingerprint, trouble(fingerprint, { since: world.now, ...more }));
      turn();
    },
    end(fingerprint: string) {
      world.troubles.delete(fingerprint);
      turn();
    },
    /** The channel does everything that waits for it. */
    post(channel: string, is: 'done' | 'failed' | 'running' = 'done') {
      for (const [job, fate] of world.jobs) {
        if (fate.is !== 'waiting' || !job.endsWith(`:${channel}`)) continue;
        const { now: at } = world;
        if (is === 'running') world.jobs.set(job, { is: 'waiting', isRunning: true });
        else world.jobs.set(job, is === 'done' ? { is, at } : { is, at, why: '550 no such user' });
      }
      turn();
    },
    /** What was sent so far: `mail firing`. */
    said: () => world.sent.map(({ channel, is, both }) => `${channel} ${both ? 'both' : is}`),
  };
}
