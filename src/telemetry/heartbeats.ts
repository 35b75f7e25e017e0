import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import type { LoopAges } from '../kernel/pulse.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Heartbeat, HeartbeatStore } from './ports.ts';

interface HeartbeatsNeeds {
  time: Time;
  log: Log;
  store: HeartbeatStore;
  /** The time since the last turn of each loop of the host. */
  loopAges(): LoopAges;
}

/**
 * Keeps the last sign of life of loops, agents and programs outside: in memory as it comes, in the store every 10 s in one
 * call. The call shows, too, whether the store takes writes.
 */
export interface Heartbeats extends Service {
  /** An agent's attempt ended now. */
  ran(agent: string): void;
  /** An agent's attempt gave a sign of life so many ms ago. */
  beat(agent: string, agoMs: number): void;
  /** A program outside pinged, and may be silent for `withinMs` from now on; resolves when that is written down. */
  ping(name: string, withinMs?: number): Promise<Heartbeat>;
  /** Forgets the pings of a program; false: it never pinged. */
  forgetPing(name: string): Promise<boolean>;
  /** The newest heartbeat of that kind, by agent, in epoch ms. */
  of(kind: 'run' | 'beat'): ReadonlyMap<string, number>;
  /** The newest ping of each program. */
  pings(): ReadonlyMap<string, Pick<Heartbeat, 'at' | 'withinMs'>>;
  /** The reason why the store did not take the newest write; undefined: it did. */
  refusal(): PlainFault | undefined;
}

const WRITE_EVERY_MS = 10_000;
/** The wait before heartbeats are written again to a store that refused a write. */
const AGAIN_AFTER_MS = 2_000;

export function createHeartbeats({ time, log, store, loopAges }: HeartbeatsNeeds): Heartbeats {
  const kept = { run: new Map<string, number>(), beat: new Map<string, number>() };
  const pings = new Map<string, Heartbeat>();
  /** Names whose newest heartbeat is not written down yet. */
  const unwritten = { run: new Set<string>(), beat: new Set<string>() };
  let refused: PlainFault | undefined;

  function note(kind: 'run' | 'beat', agent: string, at: number) {
    kept[kind].set(agent, at);
    unwritten[kind].add(agent);
  }

  async function load() {
    for (const heartbeat of await store.heartbeats()) {
      const { kind, name, at } = heartbeat;
      if (kind === 'ping' && !pings.has(name)) pings.set(name, heartbeat);
      if ((kind === 'run' || kind === 'beat') && !kept[kind].has(name)) kept[kind].set(name, at);
    }
  }

  async function write(): Promise<number> {
    const now = time.now();
    const batch = [
      ...Object.entries(loopAges()).map(([name, agoMs]): Heartbeat => ({ kind: 'loop', name, at: now - agoMs })),
      ...take('run'),
      ...take('beat'),
    ];
    try {
      await store.putHeartbeats(batch);
      if (refused) log.info('the store takes writes again');
      refused = undefined;
      return WRITE_EVERY_MS;
    } catch (error) {
      for (const { kind, name } of batch) if (kind === 'run' || kind === 'beat') unwritten[kind].add(name);
      const fault = toPlainFault(error);
      if (fault.code !== refused?.code) log.error(`the store takes no heartbeat: ${fault.message}`, { fault });
      refused = fault;
      return AGAIN_AFTER_MS;
    }
  }

  function take(kind: 'run' | 'beat'): Heartbeat[] {
    const names = [...unwritten[kind]];
    unwritten[kind].clear();
    return names.map((name) => ({ kind, name, at: kept[kind].get(name)! }));
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('heartbeats could not be written', { fault: toPlainFault(error) }) },
    { everyMs: WRITE_EVERY_MS, firstMs: AGAIN_AFTER_MS, turn: write },
  );

  return {
    async start() {
      if (loop.alive() !== undefined) return;
      await load().catch((error) => log.error('heartbeats could not be read', { fault: toPlainFault(error) }));
      await loop.start();
    },
    stop: loop.stop,
    alive: loop.alive,
    ran: (agent) => note('run', agent, time.now()),
    beat: (agent, agoMs) => note('beat', agent, Math.round(time.now() - agoMs)),
    async ping(name, withinMs) {
      const heartbeat: Heartbeat = { kind: 'ping', name, at: time.now(), ...given({ withinMs }) };
      await store.putHeartbeats([heartbeat]);
      pings.set(name, heartbeat);
      return heartbeat;
    },
    async forgetPing(name) {
      const isGone = await store.forgetHeartbeat('ping', name);
      pings.delete(name);
      return isGone;
    },
    of: (kind) => kept[kind],
    pings: () => pings,
    refusal: () => refused,
  };
}
