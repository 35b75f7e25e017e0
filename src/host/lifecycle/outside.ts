import type { PlainFault } from '../../kernel/fault.ts';
import { type Log, silentLog } from '../../kernel/log.ts';
import type { Service } from '../../kernel/service.ts';
import { machineTime } from '../../kernel/time.ts';
import { openLink } from './link.ts';
import { agesOf, createPulse } from './pulse.ts';
import { openSystemd } from './systemd.ts';
import { type Watched, watchedBy } from './watched.ts';

/** What the host says to whoever watches over it, guardian or systemd, from its first moment to its last. */
interface Outside {
  watched: Watched;
  /** The loops whose progress is told. The host fills it. */
  loops: Map<string, Service>;
  ready(status: string, log: Log): void;
  stopping(): void;
  /** It cannot start, and ends after so long. */
  refused(fault: PlainFault, waitMs: number): void;
  /** It ends for good: nobody shall start another one in its place. */
  final(fault: PlainFault): void;
  close(): Promise<void>;
}

/** Opens the ways to the outside and begins to give signs of life. */
export async function openOutside(options: { safe?: boolean }): Promise<Outside> {
  const time = machineTime;
  const systemd = openSystemd();
  const link = await openLink(time);
  const loops = new Map<string, Service>();
  let log = silentLog;
  let wasStalled = false;
  const pulse = createPulse({
    time,
    ages: () => agesOf(loops, time.monotonic()),
    beat(ages, stalled) {
      link?.send({ is: 'pulse', ages });
      systemd?.pulse(time.monotonic(), stalled);
      if (stalled !== undefined && !wasStalled) log.error(`stalled: ${stalled}`, { ages });
      wasStalled = stalled !== undefined;
    },
  });
  await pulse.start();
  return {
    watched: watchedBy(link, systemd, options.safe),
    loops,
    ready(status, hostLog) {
      log = hostLog;
      link?.send({ is: 'ready' });
      systemd?.ready(status);
    },
    stopping() {
      link?.send({ is: 'stopping' });
      systemd?.stopping();
    },
    refused(fault, waitMs) {
      link?.send({ is: 'refused', fault });
      systemd?.refused(fault.message, waitMs);
    },
    final(fault) {
      link?.send({ is: 'final', fault });
      systemd?.refused(fault.message, 0);
    },
    async close() {
      await pulse.stop();
      link?.close();
    },
  };
}
