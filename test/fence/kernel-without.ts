/**
 * Answers system calls of this process, and of all that it starts, in place of the kernel. As a program it does so and goes on
 * as what its other arguments say: `node kernel-without.ts '{"landlock_create_ruleset":38}' dist/main.js start`.
 */
import { openKernel } from '../../src/fence/kernel.ts';
import { programBytes } from '../../src/fence/seccomp.ts';
import { SYSCALL, type SyscallName } from '../../src/fence/syscalls.ts';

/** The answer of a kernel that does not know a call. */
export const UNKNOWN_CALL = 38;
/** The answer of a kernel that did what it was asked to. */
export const DONE = 0;

/** An errno for each call; {@link DONE} for one that only seems to work. */
export type Answers = Partial<Record<SyscallName, number>>;

export function answerCalls(answers: Answers): void {
  const names = Object.keys(answers) as SyscallName[];
  if (names.length === 0) return;
  const kernel = openKernel()!;
  const program: [number, number, number, number][] = [[0x20, 0, 0, 0]];
  for (const name of names) program.push([0x15, 0, 1, SYSCALL[name]], [0x06, 0, 0, 0x00050000 | answers[name]!]);
  program.push([0x06, 0, 0, 0x7fff0000]);
  kernel.refuseNewRights();
  if (!kernel.filterCalls(programBytes(program))) throw new Error('no filter');
  kernel.close();
}

if (process.argv[1] === import.meta.filename) {
  const [node, , answers, ...rest] = process.argv;
  answerCalls(JSON.parse(answers!) as Answers);
  (process as unknown as { execve(file: string, args: string[], env: NodeJS.ProcessEnv): never }).execve(
    node!,
    [node!, ...rest],
    process.env,
  );
}
