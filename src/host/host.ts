import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { createBus } from '../kernel/bus.ts';
import { Fault, type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { loopAgesOf } from '../kernel/pulse.ts';
import type { Service } from '../kernel/service.ts';
import { machineTime, type Time } from '../kernel/time.ts';
import { createHostApi } from './api/build.ts';
import { type ControlServer, serveControl } from './api/control-server.ts';
import type { Operations } from './api/handlers.ts';
import type { Audit } from './audit.ts';
import type { RoomFacts } from './bus.ts';
import type { ConfigInUse } from './config/in-use.ts';
import { factsOf, type HostFacts, writeHostFile } from './facts.ts';
import { type Foundation, openFoundation } from './foundation.ts';
import type { HostContext } from './host-context.ts';
import { type Watched, watchedBy } from './lifecycle/outside.ts';
import { createOwnHeap } from './lifecycle/own-heap.ts';
import { createSafeMode } from './lifecycle/safe-mode.ts';
import { hostEndsOf, recordLostHosts, type Starts } from './lifecycle/starts.ts';
import { type HandlesWatch, watchOwnHandles } from './lifecycle/watch-handles.ts';
import { createPauses } from './pauses.ts';
import { recordHostLost, recordStart, recordStop } from './records.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { createShutdownStack } from './shutdown-stack.ts';
import { startRooms } from './start-rooms.ts';
import { subscribe } from './subscriptions.ts';
import { recordMissedRollbacks } from './versions/rollbacks.ts';

/** A host that lives this long after it was ready has not failed to start. */
const PROVEN_MS = 10_000;

/** A host that is at work. */
export interface Host {
  hostContext: HostContext;
  /**
   * Ends everything in reverse order; running jobs get `drainMs` to finish, the rest is tried again at the next start.
   * `failed`: neither a person nor a signal asked for it.
   */
  stop(failed?: boolean, drainMs?: number): Promise<void>;
}

/** Options of a start. */
interface HostOptions {
  folder: string;
  config: ConfigInUse;
  /** Default: no guardian and no systemd watches. */
  watched?: Watched;
  /** Gets each loop of the host, by name, as soon as it is started. */
  loops?: Map<string, Service>;
  /** Writes a text for a person to the terminal of the host. Default: the host has no terminal. */
  say?(text: string): void;
  /** Called when the host is asked to stop, or cannot go on. `again`: only to start anew with the settings of then. */
  ending(why: string, failed: boolean, again?: boolean): void;
  /** Called when the host's folder or store is gone: the host is to end, and no other to take its place. */
  gone(fault: PlainFault): void;
}

const DRAIN_MS = 10_000;

/**
 * Builds the rooms, starts them in order and takes over what an earlier host left. Rejects with a Fault when the folder
 * cannot carry a host, with nothing left running.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { config, watched = watchedBy(undefined, undefined), loops = new Map<string, Service>() } = options;
  const { settings } = config;
  const time = machineTime;
  const facts = factsOf(realpathSync(resolve(options.folder)), settings, watched, time.now());
  const again = (why: string) => options.ending(why, false, true);
  const drain = { ms: DRAIN_MS };
  const order = createShutdownStack(loops);
  let starts: Starts | undefined;
  let handles: HandlesWatch | undefined;

  try {
    const selection = config.selection();
    // Lost hosts are the bad settings' own: the first host without them must not begin in safe mode.
    const forget = watched.isFirstStart || (selection.is === 'taken-back' && selection.isNew);
    const needs = { time, facts, settings, watched, forget, order, ending: options.ending };
    const foundation = await openFoundation(needs, (counted) => {
      starts = counted;
      config.begun({ isFirstStart: watched.isFirstStart, now: time.now() });
    });
    const { journal, store, events, meter, lock } = foundation;
    config.onLive(({ logs }) => {
      journal.level(logs.level);
      journal.budget(logs.budgetBytes);
    });

    // Consequences of the end of the host before find the event of it.
    await recordLostHosts({ store, events }, hostEndsOf(watched, foundation.starts));
    const loopAges = () => loopAgesOf(loops, time.monotonic());
    const base = { time, facts, settings, config, loopAges, ...(await openOwnFacts(foundation, facts, time)) };
    await order.startService('pauses', base.pauses);
    const rooms = createRooms({ ...base, journal, store, events, meter, again });
    subscribe(base.bus, rooms, { ...foundation, run: base.owner.run, folder: facts.folder });
    const abandoned = await startRooms({ ...base, rooms, foundation, order, drain });

    const { hostContext, ops, audit, web, alerts } = createHostApi(
      { ...base, foundation, rooms, watched, say: options.say, handles: () => handles },
      () => options.ending('asked to stop', false),
    );
    order.onStop('audit', async () => audit.end());
    recordHostLost(rooms.healer, hostContext.hostEnds, abandoned);
    foundation.starts.recorded();
    await recordMissedRollbacks({ store, events, rollouts: rooms.catalog.rollouts });
    const control = await openControl(hostContext, ops, audit);
    order.onStop('control socket', () => control.close());
    handles = watchOwnHandles({ foundation, facts, time, control, again, end: options.gone });
    await order.startService('held files', handles);
    await order.startService('web', web.service);

    // A client that hears that the host works finds the event of it on disk, however the host ends.
    await recordStart(hostContext);
    lock.claim.say('working');
    const proven = time.after(PROVEN_MS, () => {
      foundation.starts.proven();
      config.worked();
    });
    order.onStop('proof', proven);
    await order.startService('alerts', alerts.service);
    await order.startService('config probation', rooms.configWatch);
    await order.startService('own heap', ownHeapOf(foundation, rooms.jobs, time));
    keepJobsYoung();
    return {
      hostContext,
      async stop(failed = false, ms = DRAIN_MS) {
        drain.ms = ms;
        lock.claim.say('stopping');
        if (!failed) {
          foundation.starts.over(lock.claim.placeNow());
          config.ended();
        }
        recordStop(events);
        await order.unwind();
      },
    };
  } catch (error) {
    // A start that fails with a reason is refused: no other start would do better, and none is counted.
    if (error instanceof Fault && starts) {
      starts.refused();
      config.ended();
    }
    await order.unwind();
    throw error;
  }
}

function ownHeapOf({ log }: Foundation, { onSettled }: Rooms['jobs'], time: Time) {
  const failed = (error: unknown) => log.warn('the own heap was not collected', { fault: toPlainFault(error) });
  return createOwnHeap({ time, failed, onSettled, heldBytes: () => process.memoryUsage().heapUsed });
}

/** The facts of the host itself, beside its rooms: who holds agents, and under which name this run writes. */
async function openOwnFacts({ log, store, events, safeBecause }: Foundation, { startedAt }: HostFacts, time: Time) {
  const bus = createBus<RoomFacts>(log);
  const moved = (agents: string[]) => bus.emit('placement.changed', agents);
  const pauses = await createPauses({
    ...{ time, log, store, begun: () => moved([]), ended: (agent) => moved([agent]) },
    written: (event) => events.publish('info', event),
  });
  const owner = { host: 'local', run: `${process.pid}-${startedAt.toString(36)}` };
  return { bus, safeMode: createSafeMode(safeBecause, startedAt), pauses, owner };
}

/** Opens the control socket, and writes down where it is: from now on clients find the host. */
async function openControl(hostContext: HostContext, operations: Operations, audit: Audit): Promise<ControlServer> {
  const { facts, journal, time } = hostContext;
  const control = await serveControl(facts.socket, {
    time,
    operations,
    audit,
    log: journal.child('control'),
    scrub: journal.scrub,
    owner: statSync(facts.folder).uid,
  });
  writeHostFile(facts);
  return control;
}

/**
 * V8 may decide from the first seconds that objects of some kinds live long, and makes them in the old heap from then on. The objects
 * of a job die young: a host that V8 judged so took 15 % more processor time a job and held 90 MB more (bench/results/pretenuring.json).
 * Called when the host is up: a flag of the running process has V8 refuse the compiled code that Node brings along, and what
 * is loaded from then on takes two thirds more processor time.
 */
function keepJobsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
