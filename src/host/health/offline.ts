import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';
import type { HealthView } from '../../operations/results/health.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import type { HeartbeatKind, HeartbeatStore } from '../../telemetry/ports.ts';
import { pingsOf } from './pings.ts';

interface LastHealthNeeds {
  time: Time;
  store: Pick<HeartbeatStore, 'heartbeats'> & Pick<SlotStore, 'nextSlots'>;
  catalog: { agents(): ReadonlyMap<string, unknown> };
}

/** Loops that an older version had stood still long before the newest. */
const OF_LAST_HOST_MS = 60 * MINUTE_MS;

/** The health of an installation whose host is down: the last signs of life that its store knows. */
export async function lastHealth({ time, store, catalog }: LastHealthNeeds): Promise<HealthView> {
  const now = time.now();
  const [heartbeats, slots] = await Promise.all([store.heartbeats(), store.nextSlots()]);
  const nextOf = new Map(slots.map(({ agent, due }) => [agent, due]));
  const of = (kind: HeartbeatKind) =>
    new Map(heartbeats.flatMap((one) => (one.kind === kind ? [[one.name, one.at]] : [])));
  const [loops, runs, beats] = [of('loop'), of('run'), of('beat')];
  const pings = new Map(heartbeats.filter(({ kind }) => kind === 'ping').map((one) => [one.name, one]));
  const newest = Math.max(...loops.values());
  return {
    state: 'down',
    live: false,
    ready: false,
    reasons: [{ code: 'HOST_DOWN', who: 'host', text: 'the host is not running' }],
    loops: [...loops]
      .filter(([, at]) => newest - at < OF_LAST_HOST_MS)
      .map(([name, at]) => ({ name, agoMs: Math.max(0, now - at) })),
    agents: [...catalog.agents().keys()].sort().map((name) => ({
      name,
      lastRun: isoOrNull(runs.get(name)),
      lastBeat: isoOrNull(beats.get(name)),
      nextSlot: isoOrNull(nextOf.get(name)),
    })),
    pings: pingsOf({ time, heartbeats: { pings: () => pings } }).map(({ name, at, withinMs, isLate }) => ({
      name,
      at: isoOf(at),
      withinMs,
      late: isLate,
    })),
  };
}
