import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileAccess, pathRule, portRule, rulesetOf } from './landlock.ts';
import { quietly } from './quietly.ts';
import { SYSCALL, type SyscallName } from './syscalls.ts';
import { PORTS_LANDLOCK } from './terms.ts';

/** TCP ports. `connect`: null for all. */
interface PortGrants {
  connect: readonly number[] | null;
  listen: readonly number[];
}

/**
 * The kernel's calls, by `node:ffi`. The code that opens them closes them in the same turn of the event loop: any plugin could use
 * functions that were left behind.
 */
export interface Kernel {
  /** The version of Landlock's interface; 0: the kernel has none. */
  landlockVersion(): number;
  /** Calls the kernel, bytes by their address; a negative errno when it refuses. */
  call(name: SyscallName, ...args: (number | Buffer)[]): number;
  /** Descendants whose parents end become children of this process, which has to ask for their ends. */
  adoptOrphans(): boolean;
  /** Asks for the end of a child; false: it has not ended, or is no child. Never for a child that Node started. */
  reap(pid: number): boolean;
  /** The kernel kills this process when the thread that started it ends; at once, when `parent` is its parent no more. */
  endWithParent(parent: number): void;
  /** No core dump of this process. */
  refuseCoreDumps(): void;
  /** No descriptor but the standard ones is inherited by what this process starts. */
  keepDescriptors(): boolean;
  /** Other processes of the same user may no longer read `environ` and `mem` of this process; root may. The process can no longer read its own `environ` either. */
  refuseInspection(): boolean;
  /** Gives up all capabilities of this thread but `kept` (numbers). */
  dropCapabilities(kept: readonly number[]): void;
  /** Programs that are started gain no rights by their files. Needed by the next two. */
  refuseNewRights(): boolean;
  /** Confines this thread, and what it starts, to files and ports. A path that does not exist is left out. */
  restrictFiles(version: number, files: readonly (readonly [string, FileAccess])[], ports: PortGrants): boolean;
  /** Puts the filter up in all threads. */
  filterCalls(program: Buffer): boolean;
  close(): void;
}

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4n;
const LAST_CAPABILITY = 40;
const CAPABILITY_VERSION = 0x20080522;
const SIGKILL = 9;
const WNOHANG = 1;
const RLIMIT_CORE = 4;
const LANDLOCK_VERSION = 1;
const RULE_PATH = 1;
const RULE_PORT = 2;
const SECCOMP_FILTER = 1;
/** `TSYNC | SPEC_ALLOW`: all threads; without the second, kernels before 5.16 slow all JavaScript down. */
const SECCOMP_FLAGS = 1 | 4;
const CLOSE_RANGE_CLOEXEC = 4;
const FIRST_INHERITED = 3;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** The part of `node:ffi` that is used; the module has no declarations yet. */
export interface Ffi {
  dlopen(
    path: null,
    functions: Record<string, { arguments: string[]; return: string }>,
  ): {
    lib: { close(): void };
    functions: Record<string, (...args: (number | bigint | Buffer)[]) => number | bigint>;
  };
  getRawPointer(bytes: Buffer): bigint;
  getInt32(pointer: bigint, offset: number): number;
}

/** Opens the kernel's calls; undefined: not Linux on x86-64, or a Node without `node:ffi`, or a process that may not use it. */
export function openKernel(): Kernel | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  try {
    return quietly(() => createKernel(process.getBuiltinModule('node:ffi' as 'fs') as unknown as Ffi));
  } catch {
    return undefined;
  }
}

/**
 * The C library's `malloc_trim`, which gives the pages of freed memory back; undefined where there is none. The function
 * stays callable after the fence is up, and does nothing else.
 */
export function openTrim(): (() => void) | undefined {
  try {
    return quietly(() => {
      const ffi = process.getBuiltinModule('node:ffi' as 'fs') as unknown as Ffi;
      const { functions } = ffi.dlopen(null, { malloc_trim: { arguments: ['u64'], return: 'i32' } });
      return () => void functions.malloc_trim!(0n);
    });
  } catch {
    return undefined;
  }
}

function createKernel(ffi: Ffi): Kernel {
  const word = 'i64';
  const { lib, functions } = ffi.dlopen(null, {
    syscall: { arguments: Array(7).fill(word), return: word },
    prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
    setrlimit: { arguments: ['i32', 'pointer'], return: 'i32' },
    __errno_location: { arguments: [], return: 'pointer' },
  });
  const {
    syscall,
    prctl,
    setrlimit,
    __errno_location: errnoAt,
  } = functions as Record<string, (...args: unknown[]) => never>;
  const at = (bytes: Buffer) => ffi.getRawPointer(bytes);

  function call(name: SyscallName, ...args: (number | Buffer)[]): number {
    const words = Array.from({ length: 6 }, (_, index) => {
      const value = args[index] ?? 0;
      return typeof value === 'number' ? BigInt(value) : at(value);
    });
    const result = Number(syscall!(BigInt(SYSCALL[name]), ...words));
    return result === -1 ? -ffi.getInt32(errnoAt!(), 0) : result;
  }
  const control = (option: number, value: number | bigint) => Number(prctl!(option, BigInt(value), 0n, 0n, 0n)) === 0;

  return {
    call,
    landlockVersion: () => Math.max(0, call('landlock_create_ruleset', 0, 0, LANDLOCK_VERSION)),
    adoptOrphans: () => control(PR_SET_CHILD_SUBREAPER, 1),
    reap: (pid) => call('wait4', pid, 0, WNOHANG, 0) === pid,
    endWithParent(parent) {
      control(PR_SET_PDEATHSIG, SIGKILL);
      // A parent that ended before sends no signal.
      if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
    },
    refuseCoreDumps: () => void setrlimit!(RLIMIT_CORE, at(Buffer.alloc(16))),
    keepDescriptors: () => call('close_range', FIRST_INHERITED, 0xffffffff, CLOSE_RANGE_CLOEXEC) === 0,
    refuseInspection: () => control(PR_SET_DUMPABLE, 0),
    dropCapabilities(kept) {
      for (let one = 0; one <= LAST_CAPABILITY; one++) if (!kept.includes(one)) control(PR_CAPBSET_DROP, one);
      control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
      const head = Buffer.alloc(8);
      head.writeUInt32LE(CAPABILITY_VERSION);
      const sets = Buffer.alloc(24);
      // Effective and permitted; the inheritable set stays empty.
      for (const one of kept) for (const from of [0, 4]) sets[from + (one >> 3)]! |= 1 << (one & 7);
      call('capset', head, sets);
    },
    refuseNewRights: () => control(PR_SET_NO_NEW_PRIVS, 1),
    restrictFiles(version, files, { connect, listen }) {
      const attributes = rulesetOf(version, connect !== null);
      const ruleset = call('landlock_create_ruleset', attributes, attributes.length, 0);
      if (ruleset < 0) return false;
      const add = (kind: number, rule: Buffer) => call('landlock_add_rule', ruleset, kind, rule, 0) === 0;
      for (const [path, access] of files)
        withOpen(path, (fd, isFolder) => add(RULE_PATH, pathRule(version, access, fd, isFolder)));
      if (version >= PORTS_LANDLOCK) {
        for (const port of connect ?? []) add(RULE_PORT, portRule('connect', port));
        for (const port of listen) add(RULE_PORT, portRule('listen', port));
      }
      const done = call('landlock_restrict_self', ruleset, 0) === 0;
      call('close', ruleset);
      return done;
    },
    filterCalls(program) {
      const head = Buffer.alloc(16);
      head.writeUInt16LE(program.length / 8);
      head.writeBigUInt64LE(at(program), 8);
      return call('seccomp', SECCOMP_FILTER, SECCOMP_FLAGS, head) === 0;
    },
    close: () => lib.close(),
  };
}

function withOpen(path: string, use: (fd: number, isFolder: boolean) => void): void {
  let fd: number | undefined;
  try {
    fd = openSync(path, O_PATH | O_CLOEXEC | constants.O_RDONLY);
    use(fd, fstatSync(fd).isDirectory());
  } catch {
    // A path that does not exist needs no rule.
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
