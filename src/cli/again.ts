import type { ControlClient } from '../control/client.ts';
import { Fault } from '../kernel/fault.ts';
import type { Stage } from './ports.ts';

const TRY_EVERY_MS = 250;

/** True when a failure means that the host went away or is not there yet. */
export function isHostAway(thrown: unknown): boolean {
  return thrown instanceof Fault && (thrown.plain.code === 'HOST_GONE' || thrown.plain.code === 'HOST_DOWN');
}

/**
 * A connection to the host that comes back within `withinMs` after it went away; throws the last failure when it does
 * not. Never ends on its own when `withinMs` is infinite.
 */
export async function connectAgain(stage: Stage, withinMs: number): Promise<ControlClient> {
  const until = stage.time.monotonic() + withinMs;
  for (;;) {
    try {
      return await stage.connect();
    } catch (thrown) {
      if (!isHostAway(thrown) || stage.time.monotonic() > until) throw thrown;
      await stage.time.sleep(TRY_EVERY_MS);
    }
  }
}
