import type { Service } from '../kernel/service.ts';
import type { Foundation } from './foundation.ts';
import type { HostContext } from './host-context.ts';
import { createLag } from './lag.ts';
import { agesOf } from './lifecycle/pulse.ts';
import { recordLostHosts, type Starts } from './lifecycle/starts.ts';
import type { HandlesWatch } from './lifecycle/watch-handles.ts';
import type { Watched } from './lifecycle/watched.ts';
import type { Rooms, RoomsNeeds } from './rooms.ts';
import type { ShutdownStack } from './shutdown-stack.ts';
import { zoneWarning } from './zone-warning.ts';

interface ContextNeeds
  extends Pick<RoomsNeeds, 'time' | 'facts' | 'settings' | 'config' | 'pauses' | 'bus' | 'safeMode'> {
  foundation: Foundation;
  rooms: Rooms;
  order: ShutdownStack;
  loops: ReadonlyMap<string, Service>;
  watched: Watched;
  starts: Starts;
  /** The watch over what the host holds; undefined until it is started. */
  handles(): HandlesWatch | undefined;
}

/** What operations work with, of rooms that are started. `stop` begins to stop the host. */
export function createHostContext(needs: ContextNeeds, stop: () => void): HostContext {
  const { time, facts, settings, config, pauses, bus, safeMode, rooms, loops, watched, starts } = needs;
  const { store, asides, journal, events } = needs.foundation;
  const lag = createLag();
  needs.order.onStop('lag', () => lag.stop());
  return {
    ...rooms,
    ...{ time, facts, settings, config, pauses, store, asides, journal, events, lag, stop },
    async resume(agent) {
      if (safeMode.release(agent)) bus.emit('placement.changed', [agent]);
      else await pauses.resume(agent);
    },
    lastWords: recordLostHosts(events, watched.lost, starts.lost),
    ages: () => agesOf(loops, time.monotonic()),
    warnings: () => [
      ...watched.warning(),
      ...(needs.handles()?.warnings() ?? []),
      ...config.warning(),
      ...zoneWarning(config.origins()),
      ...safeMode.warning(rooms.catalog.agents().keys()),
    ],
  };
}
