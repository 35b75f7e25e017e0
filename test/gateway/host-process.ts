/**
 * A host that can be killed: runs the words that it is given as a command of its own and says what they print so far.
 * Its broker is the compiled one, as in production. Usage: host-process <folder> <cgroups: yes|no> <fence> <command> [arguments]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createExec } from '../../src/gateway/exec/exec.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';

const [folder, cgroups, fence, command, ...args] = process.argv.slice(2);
const runFolder = join(folder!, 'data/run');
mkdirSync(runFolder, { recursive: true });
const exec = createExec(
  { time: machineTime, log: silentLog, left() {}, used() {}, brokerBroken() {} },
  { folder: folder!, runFolder, cgroups: cgroups === 'yes', fence: fence as 'auto' },
);
await exec.start();
const needs = { exec: ['*'], read: [], write: ['.'] };
void exec.run({ agent: 'a', job: 'j1', attempt: 1, call: 1, command: command!, args, needs }).catch(() => {});
process.stdin.resume();
