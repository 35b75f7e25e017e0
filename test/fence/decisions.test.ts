import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pathRule, portRule, rulesetOf } from '../../src/fence/landlock.ts';
import { type FilterTerms, seccompFilter } from '../../src/fence/seccomp.ts';
import { ARCHITECTURES, ERRNO, SYSCALL, type SyscallName } from '../../src/fence/syscalls.ts';
import { fenceLevelOf, missingLayers } from '../../src/fence/terms.ts';

const ALLOWED = 'allowed';
const PID = 4_711;

/** Runs a filter as the kernel does; jumps that leave it fail the test. */
function verdict(program: Buffer, number: number, args: readonly number[] = [], arch: number = ARCHITECTURES.x64) {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(arch, 4);
  for (const [index, value] of args.entries()) data.writeBigInt64LE(BigInt(value), 16 + 8 * index);
  let value = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [code, ifTrue, ifFalse] = [program.readUInt16LE(at), program[at + 2]!, program[at + 3]!];
    const operand = program.readUInt32LE(at + 4);
    if (code === 0x20) value = data.readUInt32LE(operand);
    else if (code === 0x06) return operand === 0x7fff0000 ? ALLOWED : operand & 0xffff;
    else {
      const is = code === 0x15 ? value === operand : code === 0x35 ? value >= operand : (value & operand) !== 0;
      at += 8 * (is ? ifTrue : ifFalse);
    }
  }
  throw new Error('the filter has no end');
}

const asked = (name: SyscallName, args: readonly number[] = [], terms: Partial<FilterTerms> = {}) =>
  verdict(seccompFilter({ pid: PID, sockets: false, listens: false, programs: false, ...terms }), SYSCALL[name], args);

const SET_ID = 0o4755;
const PLAIN = 0o755;
const CREAT = 0o101;

describe('the filter of system calls', () => {
  test.each<SyscallName>([
    'execve',
    'execveat',
    'fork',
    'ptrace',
    'process_vm_readv',
    'unshare',
    'mount',
    'bpf',
    'keyctl',
    'setuid',
    'setpriority',
    'listen',
    'socketpair',
    'shmget',
  ])('refuses %s', (name) => expect(asked(name)).toBe(ERRNO.EPERM));
  test.each<SyscallName>(['io_uring_setup', 'clone3', 'openat2'])('does not know %s: callers fall back', (name) =>
    expect(asked(name)).toBe(ERRNO.ENOSYS),
  );
  test('lets what libuv and glibc need through: io_uring_enter (without it libuv aborts), read, write, futex, mmap, epoll', () => {
    const program = seccompFilter({ pid: PID, sockets: false, listens: false, programs: false });
    for (const number of [426, 0, 1, 202, 9, 232]) expect(verdict(program, number)).toBe(ALLOWED);
  });
  test.each<SyscallName>(['kill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo', 'prlimit64'])(
    '%s names the own process and no other, whichever it is',
    (name) => {
      expect(asked(name, [PID])).toBe(ALLOWED);
      fc.assert(
        fc.property(fc.integer(), (pid) => {
          fc.pre(pid !== PID && !(name === 'prlimit64' && pid === 0));
          expect(asked(name, [pid])).toBe(ERRNO.EPERM);
        }),
      );
    },
  );
  test('makes threads and no process; where programs may be started, processes and no namespace', () => {
    const [thread, process, namespace] = [0x3d0f00, 0x01200011, 0x10000000 | 0x10000];
    expect(asked('clone', [thread])).toBe(ALLOWED);
    expect(asked('clone', [process])).toBe(ERRNO.EPERM);
    expect(asked('clone', [process], { programs: true })).toBe(ALLOWED);
    for (const programs of [true, false]) expect(asked('clone', [namespace], { programs })).toBe(ERRNO.EPERM);
    expect(asked('execve', [], { programs: true })).toBe(ALLOWED);
    expect(asked('listen', [], { listens: true })).toBe(ALLOWED);
  });
  test('makes no socket without the network, and of the internet alone with it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), (family) => {
        expect(asked('socket', [family])).toBe(ERRNO.EPERM);
        expect(asked('socket', [family], { sockets: true })).toBe([2, 10].includes(family) ? ALLOWED : ERRNO.EPERM);
      }),
    );
  });
  test.each<[SyscallName, number[]]>([
    ['chmod', [0]],
    ['fchmod', [0]],
    ['fchmodat', [0, 0]],
    ['fchmodat2', [0, 0]],
    ['creat', [0]],
    ['mkdir', [0]],
    ['mkdirat', [0, 0]],
    ['mknodat', [0, 0]],
    ['open', [0, CREAT]],
    ['openat', [0, 0, CREAT]],
  ])('%s makes no set-id file', (name, before) => {
    expect(asked(name, [...before, SET_ID])).toBe(ERRNO.EPERM);
    expect(asked(name, [...before, PLAIN])).toBe(ALLOWED);
  });
  test('reads the mode of an open only where the call makes a file: elsewhere it is whatever lay there', () => {
    expect(asked('open', [0, 0, SET_ID])).toBe(ALLOWED);
    expect(asked('openat', [0, 0, 0o2000000, SET_ID])).toBe(ALLOWED);
  });
  test('knows one architecture and no second numbering of it', () => {
    const program = seccompFilter({ pid: PID, sockets: true, listens: true, programs: true });
    expect(verdict(program, SYSCALL.open, [], 0x40000003)).toBe(ERRNO.ENOSYS);
    expect(verdict(program, 0x40000000 + SYSCALL.open)).toBe(ERRNO.ENOSYS);
  });
  test('ends for every call there may be', () => {
    const programs = [false, true].map((is) => seccompFilter({ pid: PID, sockets: is, listens: is, programs: is }));
    for (const program of programs) for (let number = 0; number < 600; number++) verdict(program, number, [1, 2, 3, 4]);
  });
});

describe('a ruleset of Landlock', () => {
  test.each([
    [1, 8, 2 ** 13 - 1],
    [2, 8, 2 ** 14 - 1],
    [3, 8, 2 ** 15 - 1],
    [4, 16, 2 ** 15 - 1],
    [5, 16, 2 ** 16 - 1],
    [6, 24, 2 ** 16 - 1],
    [7, 24, 2 ** 16 - 1],
  ])('of version %i is %i bytes long and asks for nothing that the version does not know', (version, length, files) => {
    const ruleset = rulesetOf(version, true);
    expect(ruleset).toHaveLength(length);
    expect(ruleset.readBigUInt64LE(0)).toBe(BigInt(files));
    if (version >= 4) expect(ruleset.readBigUInt64LE(8)).toBe(3n);
    if (version >= 4) expect(rulesetOf(version, false).readBigUInt64LE(8)).toBe(1n);
  });
  test('grants within what it handles; to a file only what a file has', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('read', 'write', 'execute'),
        fc.boolean(),
        (version, access, isFolder) => {
          const granted = pathRule(version, access, 3, isFolder).readBigUInt64LE(0);
          expect(granted & ~rulesetOf(version, true).readBigUInt64LE(0)).toBe(0n);
          if (!isFolder) expect(granted & ~0xc007n).toBe(0n);
          if (access !== 'execute') expect(granted & 1n).toBe(0n);
        },
      ),
    );
    expect(portRule('listen', 443).readBigUInt64LE(0)).toBe(1n);
    expect([...portRule('connect', 443)]).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0xbb, 1, 0, 0, 0, 0, 0, 0]);
  });
});

describe('the level of a fence', () => {
  const tried = {
    files: 'kernel',
    network: 'kernel',
    unixSockets: 'kernel',
    signals: 'kernel',
    commands: 'kernel',
  } as const;

  test.each([
    [7, true, 'full', 0],
    [5, true, 'partial', 1],
    [2, true, 'partial', 1],
    [0, true, 'partial', 1],
    [7, false, 'partial', 1],
    [0, false, 'node', 2],
  ] as const)('with Landlock %i and a filter (%s) is %s', (landlock, seccomp, level, missing) => {
    expect(fenceLevelOf({ landlock, seccomp, tried })).toBe(level);
    expect(missingLayers({ landlock, seccomp })).toHaveLength(missing);
  });
  test('is none as soon as one try got out, whatever else holds', () => {
    expect(fenceLevelOf({ landlock: 7, seccomp: true, tried: { ...tried, signals: 'open' } })).toBe('none');
  });
});
