/**
 * Works on a store, one call after the other, and tells of each: `B 3 add` before it, then `A {…}` when it is acknowledged
 * or `R {…}` when it is refused; `S code` when the store does not start, `C` before it is stopped.
 *
 *   node writer.ts <store> <calls> <end: stop | kill | kill-when-refused> <seed>
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { toPlainFault } from '../../../src/kernel/fault.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import { machineTime } from '../../../src/kernel/time.ts';
import { createSqliteStore } from '../../../src/store/sqlite/store.ts';
import { seeded } from '../random.ts';

const [file, calls, end, seed] = process.argv.slice(2) as [string, string, string, string];
const PAGE = 4_096;
const chance = seeded(Number(seed));
const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
let taken: { job: string; attempt: number }[] = [];

/** In turns, so that every kind of write comes early. Each gives what it has changed. */
const KINDS: Record<string, () => Promise<[string, string][]>> = {
  async add() {
    const jobs = Array.from({ length: chance.between(1, 3) }, () => ({
      agent: 'a',
      trigger: 'manual' as const,
      input: 'x'.repeat(chance.between(0, 1_500)),
      attempts: 3,
    }));
    return (await store.add(jobs)).map(({ id }) => [id, 'queued']);
  },
  async note() {
    const value = String(chance.between(0, 1_000_000));
    await store.setState('a', 'note', value);
    return [['note', value]];
  },
  async claim() {
    const terms = { owner: { host: 'writer', run: '1' }, leaseMs: 60_000 };
    const [answer] = await store.claim([{ agent: 'a', version: 'v', limit: 2 }], terms);
    taken.push(...answer!.assignments);
    return answer!.assignments.map(({ job }) => [job, 'running']);
  },
  async settle() {
    const at = Date.now();
    const ends = taken.map(({ job, attempt }) => ({
      job,
      attempt,
      state: 'done' as const,
      startedAt: at,
      finishedAt: at,
      result: '"well"',
    }));
    await store.settle(ends);
    taken = [];
    return ends.map(({ job }) => [job, 'done']);
  },
};

/** Says a line before it goes on: who kills this process knows what it has told. A reader that is busy is waited for. */
function tell(line: string): void {
  for (let rest = Buffer.from(`${line}\n`); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** Where the log ends, as its index in shared memory says: a file that is written anew from its start keeps its length. */
function endOfLog(): number {
  const head = Buffer.alloc(20);
  const index = openSync(`${file}-shm`, 'r');
  readSync(index, head, 0, 20, 0);
  closeSync(index);
  return 32 + head.readUInt32LE(16) * (PAGE + 24);
}

await store.start().catch((thrown) => {
  tell(`S ${toPlainFault(thrown).code}`);
  process.exit(0);
});
const kinds = Object.keys(KINDS);
for (let call = 0; call < Number(calls); call++) {
  const kind = kinds[call % kinds.length]!;
  tell(`B ${call} ${kind}`);
  try {
    const changes = await KINDS[kind]!();
    tell(`A ${JSON.stringify({ call, kind, changes, end: endOfLog() })}`);
  } catch (thrown) {
    tell(`R ${JSON.stringify({ call, kind, code: toPlainFault(thrown).code })}`);
    if (end === 'kill-when-refused') process.kill(process.pid, 'SIGKILL');
  }
}
tell('C');
if (end === 'kill') process.kill(process.pid, 'SIGKILL');
await store.stop();
