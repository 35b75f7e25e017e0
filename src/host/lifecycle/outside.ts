import { Socket } from 'node:net';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { type Log, silentLog } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { waitsForDevice } from '../../kernel/proc.ts';
import {
  type DeadManTerms,
  type FromHost,
  type GuardianOrders,
  type HostEndRecord,
  jsonLines,
  loopAgesOf,
  PULSE_MS,
} from '../../kernel/pulse.ts';
import type { Service } from '../../kernel/service.ts';
import { machineTime, type Time } from '../../kernel/time.ts';
import { createOwnPings } from './own-pings.ts';
import { createStallWatch } from './stalls.ts';
import { openSystemd, type Systemd } from './systemd.ts';

/** The host's end of the pipe to its guardian. */
interface Link {
  orders: GuardianOrders;
  /** Never waits and never throws: a guardian that does not listen loses lines. */
  send(line: FromHost): void;
  /** The guardian ended before its host. */
  isGone(): boolean;
  close(): void;
}

/** The variable by which a guardian says that it listens on file descriptor 3. */
const VARIABLE = 'DARUMA_GUARDIAN';
const PIPE = 3;
/** The orders are in the pipe before the host is born; a guardian that was stopped in between is not waited for. */
const ORDERS_WITHIN_MS = 2_000;
const MOST_UNREAD_BYTES = 65_536;

/** The host's ways to its guardian or to systemd, from its first moment to its last. */
export interface Outside {
  watched: Watched;
  /** The loops whose progress each pulse carries. The host fills the map. */
  loops: Map<string, Service>;
  /** The address outside that is pinged while all is well, by the guardian, or by the host where there is none; null: none. */
  deadMan(terms: DeadManTerms | null): void;
  ready(status: string, log: Log): void;
  /** `isWished`: a person wants no host; else its guardian starts the next one. */
  stopping(isWished: boolean): void;
  /** The host cannot start, and ends after so long. */
  refused(fault: PlainFault, waitMs: number): void;
  /** The host ends, and no other may be started in its place. */
  final(fault: PlainFault): void;
  close(): Promise<void>;
}

/** Opens the ways to the outside and gives a sign of life each second: when each loop last turned. */
export async function openOutside(options: { safe?: boolean }): Promise<Outside> {
  const time = machineTime;
  const systemd = openSystemd();
  const link = await openLink(time);
  const loops = new Map<string, Service>();
  let log = silentLog;
  let isReady = false;
  let isDeadManSaid = false;
  const stalls = createStallWatch({
    monotonic: () => time.monotonic(),
    waitsForDevice: () => waitsForDevice(process.pid),
    log: () => log,
  });
  const ownPings = createOwnPings({ time, say: (text) => log.warn(text) });

  /** The sign of life comes from the host's own event loop, so it ends with that. */
  function beat() {
    const ages = loopAgesOf(loops, time.monotonic());
    const stalled = stalls.look(ages);
    link?.send({ is: 'pulse', ages });
    systemd?.pulse(time.monotonic(), stalled);
    // The guardian judges a host from outside; the host pings only where nobody else can.
    ownPings.look({ ages, isReady, hasGuardian: link !== undefined && !link.isGone() });
  }

  const pulse = createLoop(
    { time, failed: (error) => log.error('a sign of life failed', { fault: toPlainFault(error) }) },
    { everyMs: PULSE_MS, turn: beat },
  );
  await pulse.start();
  loops.set('pulse', pulse);
  return {
    watched: watchedBy(link, systemd, options.safe),
    loops,
    deadMan(next) {
      // The guardian may have the terms of the host before this one.
      if (ownPings.use(next) || !isDeadManSaid) link?.send({ is: 'deadman', terms: next });
      isDeadManSaid = true;
    },
    ready(status, hostLog) {
      isReady = true;
      log = hostLog;
      link?.send({ is: 'ready' });
      systemd?.ready(status);
    },
    stopping(isWished) {
      isReady = false;
      link?.send({ is: 'stopping', isWished });
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
      await ownPings.stop();
      link?.close();
    },
  };
}

/** The guardian or systemd, which starts the host again when it ends; or neither. */
export interface Watched {
  by: 'guardian' | 'systemd' | null;
  /** The guardian's process id. */
  guardian: number | null;
  /** A host ran before with the same lock, which may take a moment to be free. */
  restart: boolean;
  /** A person has started the host, now: this is no restart after a failure. */
  isFirstStart: boolean;
  safe: boolean;
  lost: HostEndRecord[];
  /** The problem that people see when the guardian is gone. */
  warning(): PlainFault[];
}

/** Reads the guardian's orders; without a guardian, says what stands in for them. */
export function watchedBy(link: Link | undefined, systemd: Systemd | undefined, safe = false): Watched {
  if (!link) {
    const by = systemd ? 'systemd' : null;
    return { by, guardian: null, restart: false, isFirstStart: false, safe, lost: [], warning: () => [] };
  }
  const { guardian, restart, lost } = link.orders;
  return {
    by: 'guardian',
    guardian,
    restart,
    isFirstStart: !restart,
    safe: safe || link.orders.safe,
    lost,
    warning: () => (link.isGone() ? [goneGuardian(guardian)] : []),
  };
}

function goneGuardian(pid: number): PlainFault {
  return {
    code: 'GUARDIAN_GONE',
    message: `this host would not be started again: its guardian (pid ${pid}) is gone; the work goes on`,
    next: 'when it suits you: daruma stop, then daruma start',
    data: { pid },
  };
}

/** Opens the pipe that the guardian left; undefined for a host without one. */
async function openLink(time: Time, env: NodeJS.ProcessEnv = process.env): Promise<Link | undefined> {
  const guardian = Number(env[VARIABLE]);
  // Processes that the host starts have no guardian.
  delete env[VARIABLE];
  if (!Number.isInteger(guardian) || guardian <= 0) return undefined;
  const pipe = pipeOf(PIPE);
  if (!pipe) return undefined;
  let gone = false;
  pipe.on('close', () => {
    gone = true;
  });
  pipe.on('error', () => pipe.destroy());
  const orders = await ordersFrom(pipe, time);
  // The pipe must not keep a host alive that has nothing else to do.
  pipe.unref();
  return {
    orders: orders ?? { guardian, restart: false, safe: false, lost: [] },
    send(line) {
      if (!gone && pipe.writableLength < MOST_UNREAD_BYTES) pipe.write(`${JSON.stringify(line)}\n`);
    },
    isGone: () => gone,
    close: () => pipe.end(),
  };
}

function pipeOf(fd: number): Socket | undefined {
  try {
    return new Socket({ fd, readable: true, writable: true });
  } catch {
    return undefined;
  }
}

function ordersFrom(pipe: Socket, time: Time): Promise<GuardianOrders | undefined> {
  return new Promise((resolve) => {
    const cancel = time.after(ORDERS_WITHIN_MS, () => resolve(undefined));
    pipe.once('close', () => resolve(undefined));
    const read = jsonLines<GuardianOrders>((orders) => {
      cancel();
      resolve(orders);
    });
    pipe.setEncoding('utf8').on('data', read);
  });
}
