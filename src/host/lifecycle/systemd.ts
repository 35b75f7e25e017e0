import { execFile } from 'node:child_process';
import { formatDuration } from '../../kernel/units.ts';

/**
 * Messages to systemd, of a host that it started with `Type=notify`. The host neither waits for these messages nor fails
 * because of them.
 */
export interface Systemd {
  /** The host works. */
  ready(status: string): void;
  /** A sign of life; none while a loop stands still, which `stalled` names: then systemd ends the host. */
  pulse(now: number, stalled: string | undefined): void;
  /** The host cannot start, and ends after so long; `why` is a sentence. */
  refused(why: string, waitMs: number): void;
  stopping(): void;
}

/** A start that takes long asks for more time as long as it lives. */
const MORE_TIME_MS = 60_000;
const ASK_EVERY_MS = 10_000;
const CHILD_WITHIN_MS = 5_000;

/** Speaks to the socket that `env` names; undefined where there is none. Takes the names out of `env`. */
export function openSystemd(env: NodeJS.ProcessEnv = process.env): Systemd | undefined {
  const path = env.NOTIFY_SOCKET;
  const watchdogMs = Number(env.WATCHDOG_USEC) / 1_000;
  const meant = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  // No plugin shall speak for the host.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (!path) return undefined;
  const send = openDatagrams() ?? byChild(env);
  let isReady = false;
  let isStalled = false;
  let said = Number.NEGATIVE_INFINITY;

  function sendEvery(ms: number, now: number, text: string) {
    if (now - said < ms) return;
    said = now;
    send(path!, text);
  }

  return {
    ready(status) {
      isReady = true;
      said = Number.NEGATIVE_INFINITY;
      send(path, `READY=1\nSTATUS=${status}`);
    },
    pulse(now, stalled) {
      if (!isReady) return sendEvery(ASK_EVERY_MS, now, `EXTEND_TIMEOUT_USEC=${MORE_TIME_MS * 1_000}`);
      if (stalled !== undefined && !isStalled) send(path, `STATUS=stalled: ${stalled}`);
      isStalled = stalled !== undefined;
      // Half of the time that is given, less one pulse: a late one must not cost the host its life.
      if (!isStalled && meant && watchdogMs > 0) sendEvery(Math.max(0, watchdogMs / 2 - 1_000), now, 'WATCHDOG=1');
    },
    refused(why, waitMs) {
      const next = waitMs > 0 ? `; the next try is in ${formatDuration(waitMs)}` : '';
      send(path, `STATUS=cannot start: ${why.replaceAll('\n', ' ')}${next}`);
    },
    stopping: () => void send(path, 'STOPPING=1\nSTATUS=stopping: running jobs are finished first'),
  };
}

/** systemd's own program says it, where Node cannot. The unit has to allow it: `NotifyAccess=all`. */
function byChild(env: NodeJS.ProcessEnv): (path: string, text: string) => boolean {
  return (path, text) => {
    const options = { env: { PATH: env.PATH, NOTIFY_SOCKET: path }, timeout: CHILD_WITHIN_MS };
    execFile('systemd-notify', text.split('\n'), options, () => {});
    return true;
  };
}

/** Sends a datagram to a unix socket; false when no process takes it. */
type SendDatagram = (path: string, text: string) => boolean;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Unix datagrams, which Node itself does not offer, by its door to the C library; undefined where that is shut (another
 * system than Linux, a Node that was built or started without `node:ffi`).
 */
function openDatagrams(): SendDatagram | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const { dlopen } = quietly(() => process.getBuiltinModule('node:ffi'));
    const { functions } = dlopen(null, {
      socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
      sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
    });
    const socket = functions.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return undefined;
    return (path, text) => {
      const message = Buffer.from(text);
      const address = unixAddress(path);
      const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
      const sent = functions.sendto(socket, message, BigInt(message.length), flags, address, address.length);
      return Number(sent) === message.length;
    };
  } catch {
    return undefined;
  }
}

/** A `sockaddr_un`; a name that begins with `@` has no file. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const family = Buffer.alloc(2);
  if (new Uint8Array(new Uint16Array([AF_UNIX]).buffer)[0] === AF_UNIX) family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, name]);
}

/** Node warns that ffi is experimental; a person who runs a service cannot act on that warning. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
