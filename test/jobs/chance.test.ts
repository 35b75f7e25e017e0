import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createJobs } from '../../src/jobs/jobs.ts';
import type { Assignment } from '../../src/jobs/model.ts';
import { pauseAfter } from '../../src/kernel/backoff.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { agentWith } from '../schedule/world.ts';

const NOW = Date.now();
/** A wall clock that stands still, so that pauses can be told to the millisecond. */
const STILL = { ...machineTime, now: () => NOW, monotonic: () => 0 };
const CROWD = 50;
const BACKOFF = { first: 1_000_000, longest: 2_000_000 };

it('a crowd that fails together comes back spread out, each by a chance of its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-chance-'));
  const store = createSqliteStore({ time: STILL, log: silentLog }, { file: join(folder, 'store.db') });
  await store.start();
  const drawn: number[] = [];
  const random = () => drawn[drawn.push(Math.random()) - 1]!;
  const given = Promise.withResolvers<Assignment[]>();
  const plain = agentWith('a', '* * * * *');
  const agent = { ...plain, limits: { ...plain.limits, backoff: BACKOFF } };
  const jobs = createJobs(
    {
      time: { ...STILL, random },
      log: silentLog,
      store,
      workers: { capacity: () => CROWD, dispatch: (_, list) => given.resolve(list), abort() {} },
      agent: () => agent,
    },
    { owner: { host: 'host', run: '1' } },
  );
  try {
    await jobs.start();
    const job = { agent: 'a', trigger: 'manual' as const, input: null, attempts: 3 };
    const added = await jobs.add(Array.from({ length: CROWD }, () => job));
    const fault = { code: 'ERROR', message: 'no' };
    const before = drawn.length;
    const endedAt = STILL.now();
    jobs.ended(
      (await given.promise).map(({ job, attempt }) => ({
        worker: 'w1',
        outcome: { job, attempt, startedAt: endedAt, finishedAt: endedAt, is: 'failed', fault, retry: true },
      })),
    );
    await jobs.stop();
    const chances = drawn.slice(before);
    const rows = await Promise.all(added.map(({ id }) => store.get(id)));
    const pauses = rows.map((row) => row!.runAt - endedAt);
    expect(rows.every((row) => row!.state === 'retrying')).toBe(true);
    expect(pauses.sort((a, b) => a - b)).toEqual(
      chances.map((chance) => pauseAfter(1, BACKOFF, chance)).sort((a, b) => a - b),
    );
    expect(new Set(pauses).size).toBeGreaterThan(CROWD / 2);
  } finally {
    await jobs.stop();
    await store.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
