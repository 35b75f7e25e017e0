import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';

const SECOND = 1_000;
const BOUND = { signal: undefined as AbortSignal | undefined };
let folder: string;
const children = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daruma-killed-'));
  BOUND.signal = AbortSignal.timeout(25 * SECOND);
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A life of the schedule that has given out jobs at least once. */
async function born(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'scheduling-process.ts'), [join(folder, 'store.db')], { execArgv: [] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  await once(child, 'message', BOUND);
  return child;
}

it('five SIGKILLs on a real store: every second has its slot, every slot its one end and its one job', async () => {
  for (let i = 0; i < 5; i++) {
    const child = await born();
    // Now and then in the middle of the next look instead of right after one.
    if (i % 2) await once(child, 'message', BOUND);
    child.kill('SIGKILL');
    await once(child, 'exit', BOUND);
  }
  const last = await born();
  last.send('stop');
  await once(last, 'exit', BOUND);

  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file: join(folder, 'store.db') });
  await store.start();
  const slots = await store.slots({ from: 0, to: Number.MAX_SAFE_INTEGER });
  const jobs = await store.list({ limit: 1_000 });
  await store.stop();

  for (const agent of ['queues', 'skips', 'replaces']) {
    const rows = slots.filter((slot) => slot.agent === agent);
    const ended = rows.filter(({ state }) => state !== 'planned');
    expect(ended.length).toBeGreaterThanOrEqual(6);
    // Ended ones first, planned ones after them, and no second missing in between.
    expect(rows.map(({ due }) => due)).toEqual(rows.map((_, i) => rows[0]!.due + i * SECOND));
    expect(rows.slice(0, ended.length).every(({ state }) => state === 'ran' || state === 'skipped')).toBe(true);
    const asked = ended.filter(({ state }) => state === 'ran');
    const made = jobs.filter((job) => job.agent === agent);
    expect(made.map(({ id }) => id).sort()).toEqual(asked.map(({ job }) => job!).sort());
    expect(new Set(made.map(({ slot }) => slot)).size).toBe(made.length);
  }
  const count = (agent: string, state: string) =>
    jobs.filter((job) => job.agent === agent && job.state === state).length;
  expect(count('skips', 'queued')).toBe(1);
  expect(count('replaces', 'queued')).toBe(1);
  expect(count('replaces', 'cancelled')).toBeGreaterThan(0);
});
