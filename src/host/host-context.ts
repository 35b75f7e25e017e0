import type { PlainFault } from '../kernel/fault.ts';
import type { HostEndRecord, LoopAges } from '../kernel/pulse.ts';
import type { HostAlerts } from './alerts/build.ts';
import { zoneWarning } from './config/read.ts';
import type { Foundation } from './foundation.ts';
import type { Hooks } from './hooks/hooks.ts';
import type { Watched } from './lifecycle/outside.ts';
import { hostEndsOf } from './lifecycle/starts.ts';
import type { HandlesWatch } from './lifecycle/watch-handles.ts';
import type { Rooms, RoomsNeeds } from './rooms.ts';
import type { Web } from './web/web.ts';

/** The rooms of a host at work, and what they stand on: the operations work with it. */
export interface HostContext
  extends Omit<Rooms, 'probation' | 'runnableAgents' | 'aggregation' | 'loopDelay'>,
    Pick<Foundation, 'store' | 'asides' | 'journal' | 'events' | 'meter'>,
    Pick<RoomsNeeds, 'time' | 'facts' | 'settings' | 'config' | 'pauses' | 'owner'> {
  /** Ends the hold of safe mode, or else a person's pause. `who`: the person, for the event. */
  resume(agent: string, who?: string): Promise<boolean>;
  /** How long ago each loop of this host last turned, in ms. */
  loopAges(): LoopAges;
  /** The lag of the host's own event loop in the last minute or two: the 99th percentile, in ms. */
  lagMs(): number;
  /** Hosts that ended unasked since the last one that worked, oldest first; empty after an orderly end. */
  hostEnds: readonly HostEndRecord[];
  /** Problems of the host itself, for people: safe mode, a guardian that is gone. */
  warnings(): PlainFault[];
  web: Web;
  hooks: Hooks;
  alerts: HostAlerts;
  /** Begins to stop the host; does not wait. */
  stop(): void;
}

interface ContextNeeds
  extends Pick<RoomsNeeds, 'time' | 'facts' | 'settings' | 'config' | 'pauses' | 'owner' | 'bus' | 'safeMode'> {
  foundation: Foundation;
  rooms: Rooms;
  web: Web;
  hooks: Hooks;
  alerts: HostAlerts;
  loopAges(): LoopAges;
  watched: Watched;
  /** The watch over what the host holds; undefined until it is started. */
  handles(): HandlesWatch | undefined;
}

/** The context of operations, of rooms that are started. `stop` begins to stop the host. */
export function createHostContext(needs: ContextNeeds, stop: () => void): HostContext {
  const { time, facts, settings, config, pauses, owner, bus, safeMode, rooms, web, hooks, alerts, watched, loopAges } =
    needs;
  const { store, asides, journal, events, meter, starts } = needs.foundation;
  return {
    ...rooms,
    ...{
      time,
      facts,
      settings,
      config,
      pauses,
      owner,
      store,
      asides,
      journal,
      events,
      meter,
      loopAges,
      web,
      hooks,
      alerts,
      stop,
    },
    async resume(agent, who) {
      if (!safeMode.release(agent)) return pauses.resume(agent, who);
      bus.emit('placement.changed', [agent]);
      return false;
    },
    lagMs: rooms.loopDelay.now,
    hostEnds: hostEndsOf(watched, starts),
    warnings: () => [
      ...watched.warning(),
      ...(needs.handles()?.warnings() ?? []),
      ...config.warning(),
      ...zoneWarning(config.origins()),
      ...web.problems(),
      ...alerts.channels.problems(),
      ...rooms.modelDrills.warnings(),
      ...rooms.models.gone(),
      ...safeMode.warning(rooms.catalog.agents().keys()),
    ],
  };
}
