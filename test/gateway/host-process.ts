/**
 * A host that can be killed: runs the words that it is given as a command of its own and says what they print so far.
 * Compiled code only, as in production. Usage: host-process <folder> <cgroups: yes|no> <command> [arguments]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const { createExec } = await import(new URL('../../dist/gateway/exec/exec.js', import.meta.url).href);
const { machineTime } = await import(new URL('../../dist/kernel/time.js', import.meta.url).href);
const { silentLog } = await import(new URL('../../dist/kernel/log.js', import.meta.url).href);

const [folder, cgroups, command, ...args] = process.argv.slice(2);
const runFolder = join(folder!, 'data/run');
mkdirSync(runFolder, { recursive: true });
const exec = createExec({ time: machineTime, log: silentLog }, { folder, runFolder, cgroups: cgroups === 'yes' });
await exec.start();
const needs = { exec: ['*'], read: [], write: ['.'] };
void exec.run({ agent: 'a', job: 'j1', attempt: 1, call: 1, command, args, needs }).catch(() => {});
process.stdin.resume();
