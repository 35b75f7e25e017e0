import { ARCHITECTURES, ERRNO, SYSCALL, type SyscallName } from './syscalls.ts';

/** Instructions of the kernel's classic BPF. */
const LOAD = 0x20;
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const ANY_BIT = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const REFUSE = 0x00050000;

/** The offsets of the fields in the kernel's `seccomp_data`; arguments are 64 bits wide, low half first. */
const AT_NUMBER = 0;
const AT_ARCHITECTURE = 4;
const AT_ARGUMENTS = 16;
/** Numbers from here on are those of the x32 interface. */
const X32 = 0x40000000;

const INET = 2;
const INET6 = 10;
const CLONE_THREAD = 0x10000;
/** The bits of `CLONE_NEW…`: a process in new namespaces. */
const CLONE_NEW = 0x7e020000;
/** `O_CREAT`, and the bit that tells `O_TMPFILE`: only then `open` has a mode. */
const CREATES = 0o100 | 0o20000000;
/** Set-user-id and set-group-id. */
const SET_IDS = 0o6000;

/** An instruction: code, jump if true, jump if false, operand. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** Calls that change the machine or the kernel: no fenced process may. */
const REFUSED: readonly SyscallName[] = [
  ...(['unshare', 'setns', 'mount', 'umount2', 'pivot_root', 'chroot', 'open_tree', 'move_mount'] as const),
  ...(['fsopen', 'fsconfig', 'fsmount', 'fspick', 'mount_setattr', 'open_by_handle_at', 'fanotify_init'] as const),
  ...(['bpf', 'perf_event_open', 'userfaultfd', 'keyctl', 'add_key', 'request_key'] as const),
  ...(['init_module', 'finit_module', 'delete_module', 'kexec_load', 'kexec_file_load', 'modify_ldt'] as const),
  ...(['reboot', 'swapon', 'swapoff', 'syslog', 'acct', 'quotactl', 'iopl', 'ioperm'] as const),
  ...(['settimeofday', 'clock_settime', 'adjtimex', 'clock_adjtime', 'sethostname', 'setdomainname'] as const),
];
/** Calls that reach other processes, or memory and limits that processes share; in namespaces of its own a command reaches only itself. */
const OF_OTHERS: readonly SyscallName[] = [
  ...(['ptrace', 'process_vm_readv', 'process_vm_writev', 'kcmp', 'process_madvise', 'process_mrelease'] as const),
  ...(['pidfd_open', 'pidfd_send_signal', 'pidfd_getfd', 'personality'] as const),
  ...(['mbind', 'set_mempolicy', 'migrate_pages', 'move_pages'] as const),
  ...(['setuid', 'setgid', 'setreuid', 'setregid', 'setresuid', 'setresgid', 'setgroups'] as const),
  ...(['setfsuid', 'setfsgid'] as const),
  ...(['setpriority', 'ioprio_set', 'sched_setaffinity', 'sched_setscheduler', 'sched_setparam'] as const),
  'sched_setattr',
  ...(['shmget', 'shmat', 'shmctl', 'semget', 'semop', 'semtimedop', 'semctl'] as const),
  ...(['msgget', 'msgsnd', 'msgrcv', 'msgctl', 'mq_open', 'mq_unlink'] as const),
];
/** Calls that start programs or make pairs of sockets, by which Node speaks with programs. */
const STARTING: readonly SyscallName[] = ['fork', 'vfork', 'execve', 'execveat', 'setsid', 'setpgid', 'socketpair'];
/** Calls that seem unknown to the kernel: libuv falls back to epoll, glibc to `clone` and `openat`, which the filter can read. */
const UNKNOWN: readonly SyscallName[] = ['io_uring_setup', 'clone3', 'openat2'];
/** Calls whose first argument names a process. */
const NAMES_PROCESS: readonly SyscallName[] = ['kill', 'tgkill', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo'];
/** Calls with a mode, and which argument it is. */
const MODES: readonly (readonly [SyscallName, number])[] = [
  ['chmod', 1],
  ['fchmod', 1],
  ['fchmodat', 2],
  ['fchmodat2', 2],
  ['creat', 1],
  ['mkdir', 1],
  ['mkdirat', 2],
  ['mknod', 1],
  ['mknodat', 2],
];

export interface FilterTerms {
  /** The process that the filter is for, which may signal itself; null: a command, whose processes signal each other. */
  pid: number | null;
  /** True: the process may make sockets of the internet; `any`: sockets of every kind. */
  sockets: boolean | 'any';
  /** True: the process may listen. */
  listens: boolean;
  /** True: the process may start programs. */
  programs: boolean;
  /** True: the processes have namespaces of their own. Default false. */
  isApart?: boolean;
}

/** The filter of a fenced process. Refused calls fail with an errno; nothing kills the process. */
export function seccompFilter(terms: FilterTerms): Buffer {
  const refused: SyscallName[] = [...REFUSED];
  if (!terms.isApart) refused.push(...OF_OTHERS);
  if (terms.pid !== null) refused.push('tkill');
  // A process that is started may give up the capabilities that are left; no process gains any.
  if (!terms.programs) refused.push(...STARTING, 'capset');
  if (!terms.listens) refused.push('listen');
  const program: Instruction[] = [
    [LOAD, 0, 0, AT_ARCHITECTURE],
    [EQUAL, 1, 0, ARCHITECTURES.x64],
    refuse(ERRNO.ENOSYS),
    [LOAD, 0, 0, AT_NUMBER],
    [AT_LEAST, 0, 1, X32],
    refuse(ERRNO.ENOSYS),
    ...refused.flatMap((name) => when(name, [refuse(ERRNO.EPERM)])),
    ...UNKNOWN.flatMap((name) => when(name, [refuse(ERRNO.ENOSYS)])),
    ...signalsOf(terms),
    ...socketsOf(terms),
    ...when('clone', terms.programs ? refuseBits(0, CLONE_NEW) : onlyThreads()),
    ...when('open', refuseCreation(1, 2)),
    ...when('openat', refuseCreation(2, 3)),
    ...MODES.flatMap(([name, at]) => when(name, refuseBits(at, SET_IDS))),
    [RETURN, 0, 0, ALLOW],
  ];
  return programBytes(program);
}

function signalsOf({ pid, isApart = false }: FilterTerms): Instruction[] {
  if (isApart) return [];
  // The pid 0 names the process itself.
  const limits = when('prlimit64', [[LOAD, 0, 0, argument(0)], [EQUAL, 1, 0, 0], ...equalOrRefuse(pid ?? 0)]);
  return pid === null ? limits : [...NAMES_PROCESS.flatMap((name) => when(name, unlessEqual(0, pid))), ...limits];
}

function socketsOf({ sockets }: FilterTerms): Instruction[] {
  return sockets === 'any' ? [] : when('socket', sockets ? onlyInternet() : [refuse(ERRNO.EPERM)]);
}

/** A program of the kernel's packet filter, as the kernel takes it: eight bytes an instruction. */
export function programBytes(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(8 * program.length);
  for (const [index, [code, ifTrue, ifFalse, operand]] of program.entries()) {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(ifTrue, 8 * index + 2);
    bytes.writeUInt8(ifFalse, 8 * index + 3);
    bytes.writeUInt32LE(operand, 8 * index + 4);
  }
  return bytes;
}

/** Runs `body` for one call. A body ends with a verdict. */
function when(name: SyscallName, body: readonly Instruction[]): Instruction[] {
  return [[EQUAL, 0, body.length, SYSCALL[name]], ...body];
}

const argument = (index: number) => AT_ARGUMENTS + 8 * index;
const refuse = (errno: number): Instruction => [RETURN, 0, 0, REFUSE | errno];
const allow: Instruction = [RETURN, 0, 0, ALLOW];

function equalOrRefuse(value: number): Instruction[] {
  return [[EQUAL, 0, 1, value], allow, refuse(ERRNO.EPERM)];
}

function unlessEqual(index: number, value: number): Instruction[] {
  return [[LOAD, 0, 0, argument(index)], ...equalOrRefuse(value)];
}

function refuseBits(index: number, mask: number): Instruction[] {
  return [[LOAD, 0, 0, argument(index)], [ANY_BIT, 0, 1, mask], refuse(ERRNO.EPERM), allow];
}

function refuseCreation(flags: number, mode: number): Instruction[] {
  return [[LOAD, 0, 0, argument(flags)], [ANY_BIT, 1, 0, CREATES], allow, ...refuseBits(mode, SET_IDS)];
}

function onlyInternet(): Instruction[] {
  return [[LOAD, 0, 0, argument(0)], [EQUAL, 2, 0, INET], [EQUAL, 1, 0, INET6], refuse(ERRNO.EPERM), allow];
}

function onlyThreads(): Instruction[] {
  return [
    [LOAD, 0, 0, argument(0)],
    [ANY_BIT, 2, 0, CLONE_NEW],
    [ANY_BIT, 0, 1, CLONE_THREAD],
    allow,
    refuse(ERRNO.EPERM),
  ];
}
