/**
 * The restore drill: an installation with a store of a million jobs is backed up as `plugins/backup.ts` does it, and the archive is restored into
 * an empty folder, looked at by SQLite and started. Beside it the same store packed by gzip, in turns.
 *
 *   npm run build && npx tsx bench/restore.ts [jobs]
 */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { pack } from '../plugins/lib/archive.ts';
import { createProofs } from '../src/host/backup/prove.ts';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';
import { copyStore } from '../src/store/sqlite/inside/copy.ts';
import { createSqliteStore } from '../src/store/sqlite/store.ts';
import { machineFacts } from './machine.ts';

const JOBS = Number(process.argv[2] ?? 1_000_000);
const GROUP = 5_000;
const AGENTS = 50;
const ROUNDS = 3;
const PLUGIN = `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Sells.', schedule: '0 0 * * *', async run() {} });
`;

const folder = mkdtempSync(join(tmpdir(), 'daruma-restore-bench-'));
try {
  await main();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  for (const name of ['plugins', 'backups', 'data/run', 'content/data'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'plugins/shop.ts'), PLUGIN);
  const live = join(folder, 'data/daruma.db');
  await fill(live);
  const copy = join(folder, 'content/data/daruma.db');
  const copied = await timed(() => copyStore(live, copy));
  mkdirSync(join(folder, 'content/plugins'));
  copyFileSync(join(folder, 'plugins/shop.ts'), join(folder, 'content/plugins/shop.ts'));
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push(await oneRound(round));
  const storeBytes = statSync(copy).size;
  const result = { machine: machineFacts(), jobs: JOBS, storeBytes, copyMs: copied, rounds };
  console.log(
    `${JOBS.toLocaleString('en')} jobs, store ${megabytes(storeBytes)} MB, copied and looked at in ${copied} ms`,
  );
  console.table(rounds);
  writeFileSync(join(import.meta.dirname, 'results/restore.json'), `${JSON.stringify(result, null, 2)}\n`);
}

async function oneRound(round: number) {
  const content = join(folder, 'content');
  const paths = ['data', 'data/daruma.db', 'plugins', 'plugins/shop.ts'];
  const zst = join(folder, `backups/${round}.tar.zst`);
  const gz = join(folder, `backups/${round}.tar.gz`);
  const zstMs = await timed(() => pack(zst, { folder: content, paths, strip: '-' }, () => {}));
  const gzMs = await timed(() =>
    create({ gzip: true, portable: true, file: gz, cwd: content, noDirRecurse: true }, paths),
  );
  const proofs = createProofs(folder);
  const by = { name: 'backup', needs: { write: ['backups'] } } as never;
  let agents = 0;
  const drillMs = await timed(async () => {
    const ask = () => proofs.prove(zst, by, `job-${round} 1`);
    let proof = await ask();
    while ('proving' in proof) proof = await ask();
    agents = proof.agents.length;
    if (proof.jobs !== JOBS) throw new Error(`${proof.jobs} jobs came back`);
  });
  const sizes = { zstMB: megabytes(statSync(zst).size), gzMB: megabytes(statSync(gz).size) };
  execFileSync('rm', [zst, gz]);
  return { packZstMs: zstMs, packGzMs: gzMs, ...sizes, drillMs, agents };
}

async function fill(file: string): Promise<void> {
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
  await store.start();
  const lease = { owner: { host: 'host', run: '1' }, leaseMs: 600_000 };
  const requests = Array.from({ length: AGENTS }, (_, n) => ({
    agent: `agent-${n}`,
    version: 'abcdef123456',
    limit: GROUP,
  }));
  for (let made = 0; made < JOBS; made += GROUP) {
    await store.add(
      Array.from({ length: GROUP }, (_, n) => ({
        ...{ agent: `agent-${n % AGENTS}`, trigger: 'manual' as const, attempts: 3 },
        input: JSON.stringify({ order: made + n, customer: `c-${((made + n) * 7_919) % 100_003}` }),
      })),
    );
    const answers = await store.claim(requests, lease);
    const now = Date.now();
    const over = answers.flatMap(({ assignments }) => assignments);
    await store.settle(
      over.map(({ job, attempt }) => ({
        ...{ job, attempt, state: 'done' as const, startedAt: now - 12, finishedAt: now, worker: 'w1' },
        result: JSON.stringify({ sum: (attempt * now) % 10_007 }),
      })),
    );
  }
  await store.stop();
}

async function timed(work: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e5) / 10;
}
