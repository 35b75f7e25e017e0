/** Adds, claims and ends jobs until it is killed, and prints what the store has acknowledged: `A id` and `D id`. */
import { writeSync } from 'node:fs';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: process.argv[2]! });
await store.start();

async function lane(number: number): Promise<never> {
  for (let round = 0; ; round++) {
    const now = Date.now();
    const jobs = Array.from({ length: 1 + ((round + number) % 3) }, () => ({
      agent: `a${number % 2}`,
      trigger: 'manual' as const,
      input: 'x'.repeat((round * 37) % 3_000),
      attempts: 3,
    }));
    tell('A', await store.add(jobs));
    const terms = { owner: { host: 'child', run: '1' }, leaseMs: 60_000 };
    const [answer] = await store.claim([{ agent: `a${number % 2}`, version: 'v', limit: 3 }], terms);
    const ends = answer!.assignments.map(({ job, attempt }) => ({
      job,
      attempt,
      state: 'done' as const,
      startedAt: now,
      finishedAt: now,
    }));
    const kept = await store.settle(ends);
    tell(
      'D',
      ends.filter((_, i) => kept[i]).map(({ job }) => ({ id: job })),
    );
  }
}

function tell(what: string, jobs: { id: string }[]): void {
  let rest = Buffer.from(jobs.map(({ id }) => `${what} ${id}\n`).join(''));
  while (rest.length > 0) rest = rest.subarray(written(rest));
}

/** The pipe does not block: while its reader is slow it takes a part, or nothing. */
function written(bytes: Buffer): number {
  try {
    return writeSync(1, bytes);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EAGAIN') throw thrown;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    return 0;
  }
}

await Promise.all(Array.from({ length: 8 }, (_, number) => lane(number)));
