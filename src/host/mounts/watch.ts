import type { Agent } from '../../jobs/agent.ts';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import type { Mount } from '../../kernel/mounts.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { HostBus } from '../bus.ts';
import { checkMount, type MountCheck } from './check.ts';
import { createNamedMounts, type NamedMount } from './named.ts';

/**
 * File systems of other devices that agents name in `needs.read` and `needs.write`. Before a worker starts, the host itself
 * looks at these paths, so a network disk that does not answer would keep the whole host waiting. Such a file system is
 * asked by a process of its own; agents that name it wait until it answers, and lose no attempt.
 */
export interface MountWatch extends Service {
  /** Why the agent cannot start: a file system that it names has not answered. */
  lacks(agent: Agent): PlainFault | undefined;
  /** The set of agents has changed. */
  use(): void;
  /** A worker of the agent ended: when it stood still before, its file systems are asked before another one starts. */
  ended(agent: string, because: PlainFault): void;
  /** Resolves when each file system has answered or is known to be silent, or after {@link READY_MS}. */
  ready(): Promise<void>;
}

interface MountWatchNeeds {
  time: Time;
  log: Log;
  bus: Pick<HostBus, 'emit'>;
  /** The installation: relative paths are inside it. */
  folder: string;
  agents(): ReadonlyMap<string, Agent>;
  /** Default: /proc/self/mountinfo. */
  mountinfo?(): string;
  /** Default: programs of the system, by processes of their own. */
  check?: typeof checkMount;
}

interface Watched extends NamedMount {
  /** True after an answer, until a worker of its agents stands still. */
  isTrusted: boolean;
  /** The last question, monotonic ms. */
  askedAt: number;
  /** No answer to it yet. */
  check?: { waits: number; process: MountCheck } | undefined;
  /** Monotonic ms: not silent while undefined. */
  silentSince?: number | undefined;
}

/** Ends of workers that a file system without an answer can bring about. */
const STOOD_STILL = new Set(['TIMEOUT', 'SILENT', 'BOOT_FAILED', 'CELL_LOST']);

const CHECK_EVERY_MS = 2_000;
/** While a file system has not answered. */
const LOOK_EVERY_MS = 500;
/** A check that waits for something else than a processor in so many looks in a row after this time has no answer. */
const ANSWER_WITHIN_MS = 1_000;
const WAITS_TO_BE_SILENT = 3;
/** On a machine so busy that the check itself finds no processor, an answer may take this long. */
const ANSWER_AT_LAST_MS = 15_000;
/** A host does not wait longer than this for file systems before its jobs start; agents are held until theirs answer. */
const READY_MS = 5_000;

export function createMountWatch(needs: MountWatchNeeds): MountWatch {
  const { time, log, folder, check = checkMount } = needs;
  const named = createNamedMounts(folder, needs.mountinfo);
  const watched = new Map<string, Watched>();
  const waiting = new Set<() => void>();
  const loop = createLoop(
    { time, failed: (error) => log.warn('file systems were not looked at', { fault: toPlainFault(error) }) },
    { everyMs: CHECK_EVERY_MS, turn },
  );

  function turn(): number {
    use();
    for (const one of watched.values()) {
      if (one.check) noteWait(one, one.check);
      else if (time.monotonic() - one.askedAt >= CHECK_EVERY_MS) begin(one);
    }
    return [...watched.values()].some(({ check: open }) => open) ? LOOK_EVERY_MS : CHECK_EVERY_MS;
  }

  function use() {
    named.refresh();
    const found = named.all(needs.agents().values());
    const left = [...watched].filter(([point]) => !found.has(point));
    for (const [point] of left) watched.delete(point);
    // A question that is open ends in the same object.
    for (const [point, now] of found)
      watched.set(point, Object.assign(watched.get(point) ?? { isTrusted: false, askedAt: 0 }, now));
    for (const one of watched.values()) if (!one.isTrusted && !one.check) begin(one);
    for (const [, one] of left) if (isHeld(one)) changed(one);
    settle();
  }

  function begin(one: Watched) {
    one.askedAt = time.monotonic();
    one.check = { waits: 0, process: check(one.paths, () => answered(one)) };
  }

  function noteWait(one: Watched, open: NonNullable<Watched['check']>) {
    const forMs = time.monotonic() - one.askedAt;
    open.waits = forMs > ANSWER_WITHIN_MS && open.process.isWaiting() ? open.waits + 1 : 0;
    if (one.silentSince !== undefined || (open.waits < WAITS_TO_BE_SILENT && forMs < ANSWER_AT_LAST_MS)) return;
    one.silentSince = one.askedAt;
    log.warn(`${nameOf(one.mount)} does not answer: agents that name it wait`, { agents: one.agents });
    changed(one);
  }

  function answered(one: Watched) {
    const { silentSince } = one;
    const wasHeld = isHeld(one);
    one.check = undefined;
    one.isTrusted = true;
    one.silentSince = undefined;
    if (silentSince !== undefined)
      log.info(`${nameOf(one.mount)} answers again, after ${formatDuration(time.monotonic() - silentSince)}`);
    if (wasHeld) changed(one);
  }

  function changed({ agents }: Watched) {
    settle();
    needs.bus.emit('placement.changed', agents);
  }

  /** Those that wait for the first answers go on. */
  function settle() {
    if ([...watched.values()].some((one) => !one.isTrusted && one.silentSince === undefined)) return;
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    use,
    lacks(agent) {
      for (const [point, { mount }] of named.of(agent)) {
        const one = watched.get(point);
        // The version before may name a file system that nobody has asked yet.
        if (one && !isHeld(one)) continue;
        const is = one?.silentSince === undefined ? 'has not answered yet' : 'does not answer';
        return {
          code: 'DISK_SILENT',
          message: `${nameOf(mount)}, which ${agent.name} names in needs, ${is}`,
          next: NEXT,
        };
      }
      return undefined;
    },
    ended(agent, { code }) {
      if (!STOOD_STILL.has(code)) return;
      for (const one of watched.values()) {
        if (!one.agents.includes(agent)) continue;
        one.isTrusted = false;
        if (!one.check) begin(one);
      }
    },
    async ready() {
      const settled = Promise.withResolvers<void>();
      waiting.add(settled.resolve);
      settle();
      const cancel = time.after(READY_MS, settled.resolve);
      await settled.promise;
      cancel();
      waiting.delete(settled.resolve);
    },
  };
}

const NEXT =
  'nothing here: the agent goes on when the file system answers; look at its disk, its server or its network';

const nameOf = ({ point, type }: Mount) => `the file system at ${point} (${type})`;

const isHeld = ({ isTrusted, silentSince }: Watched) => !isTrusted || silentSince !== undefined;
