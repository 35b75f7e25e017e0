/**
 * The program that a command's process runs until its fence is up, where there is no bubblewrap: it puts the kernel's fences around its
 * process, and becomes the command. The process stays the same, and so do its pid, its session and what its parent hears of its end.
 *
 *   fenced <path of the program> [arguments]       descriptor 3: the terms, as one JSON
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { openKernel } from '../../../fence/kernel.ts';
import { putUpFence } from '../../../fence/put-up.ts';
import type { FenceTerms } from '../../../fence/terms.ts';

const TERMS_FD = 3;
const SIGPIPE = 13;
/** `struct sigaction` of the kernel with the default handler, and the size of a set of signals. */
const DEFAULT_ACTION = Buffer.alloc(32);
const SIGNAL_SET_BYTES = 8;
const SHELL = '/bin/sh';

const { terms, env } = JSON.parse(readFileSync(TERMS_FD, 'utf8')) as { terms: FenceTerms; env: Record<string, string> };
const kernel = openKernel();
// Node ignores SIGPIPE, and the program that a process becomes ignores the same signals: `yes | head` would not end.
kernel?.call('rt_sigaction', SIGPIPE, DEFAULT_ACTION, 0, SIGNAL_SET_BYTES);
kernel?.close();
const { fence, landlock, tried } = putUpFence(terms);
if (fence === 'none' || landlock === 0) {
  writeSync(TERMS_FD, `unfenced ${JSON.stringify(tried)}\n`);
  process.exit(126);
}
closeSync(TERMS_FD);
// A shell starts the program, as without a fence: a file whose first line names no interpreter is a script of the shell.
(process as unknown as { execve(file: string, args: string[], env: Record<string, string>): never }).execve(
  SHELL,
  ['sh', '-c', 'exec "$@"', 'sh', ...process.argv.slice(2)],
  env,
);
