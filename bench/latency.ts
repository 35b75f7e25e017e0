/**
 * How long a job waits from being handed in until its `run` is entered, at 100 jobs a second and at half of what the
 * machine can do; and what a job costs once a million finished ones are in the store:
 *
 *   npm run build && npx tsx bench/latency.ts [--million]
 *
 * Writes bench/results/latency.json (and, with --million, bench/results/million.json).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts, median } from './machine.ts';
import { noopHost } from './noop-host.ts';

const RESULTS = join(import.meta.dirname, 'results');
mkdirSync(RESULTS, { recursive: true });
const now = () => performance.timeOrigin + performance.now();
const at = (sorted: number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
const round = (value: number) => Math.round(value * 100) / 100;

type Host = Awaited<ReturnType<typeof noopHost>>;

/** Hands jobs in at an even pace and asks each when it was entered. */
async function waits({ hostContext }: Host, perSecond: number, seconds: number) {
  const handed = new Map<string, number>();
  const adding: Promise<void>[] = [];
  const begun = now();
  const count = perSecond * seconds;
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((now() - begun) / 1000) * perSecond));
    for (; sent < due; sent++) {
      const asked = now();
      adding.push(
        hostContext.jobs
          .add([{ agent: 'noop', trigger: 'manual', input: null, attempts: 5 }])
          .then(([job]) => void handed.set(job!.id, asked)),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(adding);
  const found: number[] = [];
  for (const [id, asked] of handed) {
    const job = await hostContext.jobs.finished(id);
    found.push(Number(job.result) - asked);
  }
  const sorted = found.sort((a, b) => a - b);
  return {
    perSecond,
    jobs: found.length,
    p50Ms: round(at(sorted, 0.5)),
    p99Ms: round(at(sorted, 0.99)),
    mostMs: round(sorted.at(-1)!),
  };
}

const host = await noopHost('() => performance.timeOrigin + performance.now()', 2);
await host.drive(5_000, 200);
const rates: number[] = [];
for (let turn = 0; turn < 3; turn++) {
  const begun = performance.now();
  await host.drive(30_000, 500);
  rates.push(30_000 / ((performance.now() - begun) / 1000));
}
const most = median(rates);
const gentle = [];
for (let turn = 0; turn < 5; turn++) gentle.push(await waits(host, 100, 4));
const half = [];
for (let turn = 0; turn < 3; turn++) half.push(await waits(host, Math.floor(most / 2), 2));
const table = [gentle, half].map((turns) => ({
  'jobs a second': turns[0]!.perSecond,
  'p50 ms (median of turns)': median(turns.map((turn) => turn.p50Ms)),
  'p99 ms (median of turns)': median(turns.map((turn) => turn.p99Ms)),
}));
console.table(table);
writeFileSync(
  join(RESULTS, 'latency.json'),
  `${JSON.stringify({ machine: machineFacts(), most, table, gentle, half }, null, 2)}\n`,
);

if (process.argv.includes('--million')) {
  const steps = [];
  let finished = 100_000;
  for (const upTo of [100_000, 250_000, 500_000, 1_000_000]) {
    while (finished < upTo) {
      await host.drive(50_000, 500);
      finished += 50_000;
    }
    const before = process.cpuUsage();
    const begun = performance.now();
    await host.drive(30_000, 500);
    finished += 30_000;
    const seconds = (performance.now() - begun) / 1000;
    const cpu = process.cpuUsage(before);
    steps.push({
      finished,
      jobsPerSecond: Math.round(30_000 / seconds),
      hostMicrosecondsAJob: round((cpu.user + cpu.system) / 30_000),
      hostRssMb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    });
  }
  console.table(steps);
  writeFileSync(join(RESULTS, 'million.json'), `${JSON.stringify({ machine: machineFacts(), steps }, null, 2)}\n`);
}
await host.stop();
