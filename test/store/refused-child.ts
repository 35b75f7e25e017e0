/**
 * Lets the system refuse this process every write beyond a small file size, adds a job, allows it again, adds another. Prints
 * the fault and the number of jobs that are there.
 */
import { execFileSync } from 'node:child_process';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: process.argv[2]! });
const add = () => store.add([{ agent: 'a', trigger: 'manual', input: 'x'.repeat(100_000), attempts: 1 }]);
const allow = (bytes: string) => execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`]);

await store.start();
await add();
allow('1000');
const refused = await add().catch((thrown) => thrown.plain);
allow('unlimited');
await add();
const kept = (await store.list({ limit: 9 })).length;
await store.stop();
console.log(JSON.stringify([refused, kept]));
