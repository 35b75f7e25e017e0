import { readdirSync, readFileSync } from 'node:fs';
import { FILES_OF_NAMES } from './files-of-names.ts';
import { type Kernel, openKernel } from './kernel.ts';
import type { FileAccess } from './landlock.ts';
import { seccompFilter } from './seccomp.ts';
import { ERRNO } from './syscalls.ts';
import {
  type FenceReport,
  type FenceTerms,
  type FenceTrials,
  fenceLevelOf,
  missingLayers,
  PORTS_LANDLOCK,
  type Refusal,
  WHOLE_LANDLOCK,
} from './terms.ts';

/** Files that every Node process needs of the machine after its start; native code reads them, plugins may not. */
const NEEDED = [
  '/proc/self',
  ...['/proc/meminfo', '/proc/stat', '/proc/cpuinfo', '/proc/uptime', '/proc/loadavg', '/proc/sys/kernel/random'],
  ...['/sys/devices/system/cpu', '/sys/fs/cgroup', '/usr/share/zoneinfo', '/etc/localtime', '/dev/urandom'],
];
/** The port of name servers: the C library asks over TCP when an answer is long. */
const PORT_OF_NAMES = 53;
/** `CAP_DAC_OVERRIDE`: root may go on using granted files of other users; Landlock says which. */
const USE_FILES_OF_OTHERS = 1;
/** A file that every machine has and that hardly any terms grant. */
const OUTSIDE = ['/etc/passwd', process.execPath];
const POOL_THREAD = 'libuv-worker';

/**
 * Shuts this process in, for good, before any foreign code runs in it: about 3 ms, synchronous. Layers that the kernel does
 * not offer are left out and named in the report; a layer that is offered and does not hold makes the level `none`, after
 * which the process has to be ended. Under Node's permission model `node:ffi` is given back.
 *
 * @throws when a thread of the file pool was there before: it would stay outside.
 */
export function putUpFence(terms: FenceTerms): FenceReport {
  const began = performance.now();
  if (threadNames().includes(POOL_THREAD)) throw new Error('a thread of the file pool is older than the fence');
  const kernel = openKernel();
  const landlock = kernel?.landlockVersion() ?? 0;
  const isUp = { landlock: 0, seccomp: false };
  if (kernel) {
    if (terms.parent !== undefined) kernel.endWithParent(terms.parent);
    kernel.refuseCoreDumps();
    if (process.getuid?.() === 0) kernel.dropCapabilities(terms.othersFiles ? [USE_FILES_OF_OTHERS] : []);
    kernel.refuseNewRights();
    if (landlock > 0 && kernel.restrictFiles(landlock, filesOf(terms), portsOf(terms))) isUp.landlock = landlock;
    isUp.seccomp = kernel.filterCalls(
      seccompFilter({
        pid: mayStart(terms) ? null : process.pid,
        sockets: terms.ports !== null,
        programs: mayStart(terms),
        listens: (terms.listen ?? []).length > 0,
      }),
    );
  }
  const tried = tryOut(kernel, terms, isUp);
  kernel?.close();
  giveBack();
  const found = { ...isUp, tried };
  return {
    ...found,
    fence: fenceLevelOf(found),
    caps: capabilities(),
    missing: missingLayers(isUp),
    tookMs: Math.round((performance.now() - began) * 10) / 10,
  };
}

const mayStart = ({ execute = [] }: FenceTerms) => execute.length > 0;

function filesOf(terms: FenceTerms): (readonly [string, FileAccess])[] {
  const read = [...NEEDED, ...(terms.ports === null ? [] : FILES_OF_NAMES), ...terms.read];
  return [
    ...read.map((path) => [path, 'read'] as const),
    ...[...terms.write, '/dev/null'].map((path) => [path, 'write'] as const),
    ...(terms.execute ?? []).map((path) => [path, 'execute'] as const),
  ];
}

function portsOf({ ports, listen = [] }: FenceTerms) {
  return { connect: ports === 'any' ? null : ports === null ? [] : [...ports, PORT_OF_NAMES], listen };
}

/**
 * Tries what has to fail, by the kernel's own calls: through Node's functions only Node would be seen to refuse. No try does
 * harm where it works: the signal is none, and the program has no name.
 */
function tryOut(
  kernel: Kernel | undefined,
  terms: FenceTerms,
  isUp: { landlock: number; seccomp: boolean },
): FenceTrials {
  const { ports } = terms;
  const canary = OUTSIDE.find((path) => !isGranted(terms, path));
  const bySeccomp = (attempt: (kernel: Kernel) => number) => refusalOf(isUp.seccomp ? kernel : undefined, attempt);
  const byLandlock = (since: number, attempt: (kernel: Kernel) => number) =>
    refusalOf(isUp.landlock >= since ? kernel : undefined, attempt);
  const signal = (kernel: Kernel) => kernel.call('kill', process.ppid, 0);
  const network =
    ports === null
      ? bySeccomp((kernel) => kernel.call('socket', INET, STREAM))
      : ports === 'any'
        ? 'granted'
        : byLandlock(PORTS_LANDLOCK, (kernel) => connectElsewhere(kernel, ports));
  return {
    files:
      canary === undefined ? 'granted' : byLandlock(1, (kernel) => kernel.call('openat', AT_FDCWD, textOf(canary))),
    network,
    unixSockets: bySeccomp((kernel) => kernel.call('socket', UNIX, STREAM)),
    // The processes of a command signal each other, which only Landlock can tell from signals to others.
    signals: isUp.seccomp && !mayStart(terms) ? bySeccomp(signal) : byLandlock(WHOLE_LANDLOCK, signal),
    commands: mayStart(terms) ? 'granted' : bySeccomp((kernel) => kernel.call('execve', textOf(''), 0, 0)),
  };
}

/** The trial of a layer that is not up: there is no kernel to ask, and Node alone refuses. */
function refusalOf(kernel: Kernel | undefined, attempt: (kernel: Kernel) => number): Refusal {
  if (!kernel) return 'node';
  const code = attempt(kernel);
  return code === -ERRNO.EPERM || code === -ERRNO.EACCES ? 'kernel' : 'open';
}

const textOf = (path: string) => Buffer.from(`${path}\0`);

const AT_FDCWD = -100;
const UNIX = 1;
const INET = 2;
/** A stream that does not wait and is not inherited. */
const STREAM = 1 | 0o4000 | 0o2000000;
function connectElsewhere(kernel: Kernel, ports: readonly number[]): number {
  const fd = kernel.call('socket', INET, STREAM);
  if (fd < 0) return fd;
  // 127.0.0.1, at a port where hardly anybody listens and that is not granted.
  const address = Buffer.from([INET, 0, 0, 1, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  for (let port = 1; ports.includes(port); port++) address.writeUInt16BE(port + 1, 2);
  const code = kernel.call('connect', fd, address, address.length);
  kernel.call('close', fd);
  return code;
}

function isGranted({ read, write, execute = [] }: FenceTerms, path: string): boolean {
  return [...read, ...write, ...execute].some(
    (granted) => granted === '/' || path === granted || path.startsWith(`${granted}/`),
  );
}

function threadNames(): string[] {
  try {
    return readdirSync('/proc/self/task').map((id) => readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim());
  } catch {
    return [];
  }
}

function capabilities(): string {
  try {
    const digits = /^CapEff:\s+0*([0-9a-f]+)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1];
    return digits ?? '?';
  } catch {
    return '?';
  }
}

/** Takes away from this process what Node granted it for its start. */
function giveBack(): void {
  const { permission } = process as unknown as { permission?: { drop?(scope: string): void } };
  for (const scope of ['ffi', 'inspector', 'wasi', 'addon', 'child']) permission?.drop?.(scope);
}
