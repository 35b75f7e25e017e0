/**
 * The ceiling of Daruma's throughput: the code of its store thread in one thread, without host, workers or messages: the same
 * three durable writes a job as `bare-sqlite.mjs`, in groups, with Daruma's schema: `npx tsx store-thread.ts <jobs> <group>`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupCommit } from '../../src/store/sqlite/inside/group.ts';
import { openForWriting } from '../../src/store/sqlite/inside/open.ts';
import { openTables } from '../../src/store/sqlite/inside/tables.ts';
import { packJob, packSettlements, unpackClaim } from '../../src/store/sqlite/packing.ts';
import type { Call, Plain } from '../../src/store/sqlite/wire.ts';

const [jobs = 60_000, group = 100] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'bench-store-'));
const file = join(folder, 'jobs.db');
const db = openForWriting(file);
const carryOut = groupCommit(db, openTables(db, file), file);
const owner = { host: 'bench', run: 'bench-1' };

function ask(call: Call): unknown {
  const { values, faults } = carryOut([call]);
  if (faults.length > 0) throw new Error(JSON.stringify(faults[0]));
  return values[0];
}

/** One group: added, claimed and ended. */
function once(): number {
  const now = Date.now();
  const flat: Plain[] = [];
  for (let index = 0; index < group; index++)
    packJob(flat, { agent: 'noop', trigger: 'manual', attempts: 3, input: '{}' }, now);
  ask(['add', flat, now]);
  const requests = [{ agent: 'noop', version: 'v1', limit: group }];
  const [taken] = unpackClaim(requests, ask(['claim', now, requests, { owner, leaseMs: 60_000 }]) as Plain[]);
  const ends = taken!.assignments.map(({ job, attempt }) => ({
    ...{ job, attempt, startedAt: now, finishedAt: now + 1, result: 'null', worker: 'w1' },
    state: 'done' as const,
  }));
  ask(['settle', packSettlements(ends, now)]);
  return taken!.assignments.length;
}

function drive(count: number) {
  for (let done = 0; done < count; ) done += once();
}

// As many before as the other systems of this bench.
drive(jobs / 2);
const begun = performance.now();
const before = process.cpuUsage();
drive(jobs);
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds, threads: { 'store thread': (user + system) / 1e6 } }),
);
db.close();
rmSync(folder, { recursive: true });
