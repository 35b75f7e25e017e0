import { type Claimant, claimantOf, type HostPhase } from '../control/claim.ts';
import type { ControlClient } from '../control/client.ts';
import { connectHost, isDown } from '../control/own-host.ts';
import { Fault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import type { Stage } from './ports.ts';

/** A host at work that has lost its socket repairs that sooner, or ends; a host that stops is mostly gone by then. */
const PATIENCE_MS: Record<HostPhase, number> = { starting: 0, working: 8_000, stopping: 1_000 };
const TRY_EVERY_MS = 200;

/**
 * Connects to the host of an installation. A host at work without a socket is given the seconds that it takes to make
 * another. `via`: the name of the client in the audit, `cli` if it is left out. Rejects with `HOST_DOWN`, whose words say that the host is starting, stopping, or not there.
 */
export async function reachHost(folder: string, time: Time, via?: string): Promise<ControlClient> {
  const from = time.monotonic();
  for (;;) {
    try {
      return await connectHost(folder, time, via);
    } catch (thrown) {
      const host = isDown(thrown) ? await claimantOf(folder) : undefined;
      if (!host) throw thrown;
      if (time.monotonic() > from + PATIENCE_MS[host.is]) throw unreachable(host);
    }
    await time.sleep(TRY_EVERY_MS);
  }
}

function unreachable({ pid, is }: Claimant): Fault {
  const said = {
    starting: { message: `the host (pid ${pid}) is starting`, next: 'daruma status, in a moment' },
    stopping: { message: `the host (pid ${pid}) is stopping`, next: 'daruma start, when it has ended' },
    working: {
      message: `the host (pid ${pid}) is at work, but its control socket is gone and does not come back`,
      next: 'daruma logs; daruma stop ends it',
    },
  }[is];
  return new Fault({ code: 'HOST_DOWN', ...said, data: { pid, is } });
}

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
