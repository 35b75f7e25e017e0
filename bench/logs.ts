/**
 * Measures the log: lines a second from workers to the disk through a real host, with the host's memory and the lag of its
 * loop meanwhile; lines that are lost over rotations, read back out of compressed files; and what it takes to find lines in them.
 * Prints the figures and writes `bench/results/logs.json`.
 *
 *   npm run build && npx tsx bench/logs.ts [seconds] [workers]
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { linesBackwards, placedLinesBackwards } from '../src/control/log-files.ts';
import { MB } from '../src/kernel/measures.ts';
import { openJournal } from '../src/telemetry/journal.ts';
import { machineFacts, median } from './machine.ts';
import { noopHost } from './noop-host.ts';

const [SECONDS = 10, WORKERS = 60] = process.argv.slice(2).map(Number);
const ROTATIONS = 100;
const FILE_BYTES = MB;

/** Each line has words of its own, so that none counts as a repeat. The result is how many lines the job has written. */
const WRITES = `async ({ log }) => {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const word = (n) => [0, 1, 2, 3].map((at) => letters[Math.floor(n / 26 ** at) % 26]).join('');
  const end = Date.now() + ${SECONDS * 1_000};
  let n = Math.floor(Math.random() * 26 ** 4);
  const first = n;
  while (Date.now() < end) {
    for (let more = 0; more < 10; more++) log.info('order ' + word(n++) + ' is priced and sent to the warehouse', { ms: 12 });
    await new Promise((done) => setTimeout(done, 8));
  }
  return n - first;
}`;

async function fromWorkers() {
  const host = await noopHost(WRITES, WORKERS);
  const { hostContext } = host;
  const folder = hostContext.facts.logFolder;
  const results: number[] = [];
  hostContext.jobs.onSettled((end) => {
    if (end.state === 'done' && 'result' in end) results.push(Number(end.result));
  });
  const rss: number[] = [];
  const delays = monitorEventLoopDelay({ resolution: 10 });
  delays.enable();
  const sampling = setInterval(() => rss.push(process.memoryUsage.rss() / MB), 250);
  const before = process.cpuUsage();
  const began = performance.now();
  await host.drive(WORKERS, WORKERS);
  const seconds = (performance.now() - began) / 1_000;
  const cpu = process.cpuUsage(before);
  clearInterval(sampling);
  delays.disable();
  let written = 0;
  let told = 0;
  for (const { agent, msg, data } of linesBackwards(folder) as Iterable<{
    agent?: string;
    msg: string;
    data?: unknown;
  }>) {
    if (agent !== 'noop') continue;
    if (/lines were dropped/.test(msg)) told += Number.parseInt(msg, 10);
    else if (msg.startsWith('…')) told += (data as { more: number }).more;
    else written++;
  }
  const lost = hostContext.journal.dropped();
  await host.stop();
  const rest = rss.slice(Math.floor(rss.length / 2));
  return {
    seconds: Math.round(seconds * 10) / 10,
    workers: WORKERS,
    written,
    leftOutAndTold: told,
    lost,
    linesASecond: Math.round(written / seconds),
    hostRssMb: { first: Math.round(rss[4] ?? 0), median: Math.round(median(rest)), most: Math.round(Math.max(...rss)) },
    hostCpuCores: Math.round(((cpu.user + cpu.system) / 1e6 / seconds) * 100) / 100,
    loopLagMs: { p50: Math.round(delays.percentile(50) / 1e5) / 10, p99: Math.round(delays.percentile(99) / 1e5) / 10 },
  };
}

async function overRotations() {
  const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-logs-'));
  const journal = await openJournal({ folder, level: 'info', maxFileBytes: FILE_BYTES, budgetBytes: 2_048 * MB });
  const files = () => readdirSync(folder).filter((name) => /\.log(\.zst)?$/.test(name));
  let count = 0;
  let longestMs = 0;
  const began = performance.now();
  while (files().length <= ROTATIONS) {
    const from = performance.now();
    journal.lines(
      Array.from({ length: 1_000 }, () => ({
        ...{ at: Date.now(), level: 'info' as const, agent: 'shop', job: 'job-1', worker: 'w1' },
        message: `order ${count++} is priced and sent to the warehouse`,
        data: '{"ms":12}',
      })),
    );
    longestMs = Math.max(longestMs, performance.now() - from);
    await new Promise(setImmediate);
  }
  const seconds = (performance.now() - began) / 1_000;
  const compressing = performance.now();
  while (files().filter((name) => name.endsWith('.log')).length > 1) await new Promise((done) => setTimeout(done, 20));
  const compressedMs = Math.round(performance.now() - compressing);
  const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const seen = new Uint8Array(count);
  let read = 0;
  const readBegan = performance.now();
  let oldest = 0;
  for (const { msg, time } of linesBackwards(folder)) {
    read++;
    oldest = Date.parse(time);
    seen[Number(msg.split(' ')[1])] = 1;
  }
  const readSeconds = (performance.now() - readBegan) / 1_000;
  const newestMs = timed(() => linesBackwards(folder).next());
  const seekMs = timed(() => placedLinesBackwards(folder, oldest + 1).next());
  const lost = count - seen.reduce((sum, one) => sum + one, 0);
  journal.close();
  rmSync(folder, { recursive: true });
  return {
    ...{ rotations: ROTATIONS, lines: count, lost, twice: read - (count - lost), dropped: journal.dropped() },
    linesASecond: Math.round(count / seconds),
    compressedAfterMs: compressedMs,
    longestBatchMs: Math.round(longestMs * 10) / 10,
    bytesALine: Math.round((bytes / count) * 10) / 10,
    readLinesASecond: Math.round(read / readSeconds),
    newestLineMs: newestMs,
    oldestFileByTimeMs: seekMs,
  };
}

function timed(call: () => unknown): number {
  const began = performance.now();
  call();
  return Math.round((performance.now() - began) * 10) / 10;
}

const result = { at: new Date().toISOString(), machine: machineFacts(), ...(await measured()) };
console.log(JSON.stringify(result, null, 2));
writeFileSync(new URL('./results/logs.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);

async function measured() {
  const rotations = await overRotations();
  console.log(rotations);
  return { rotations, workers: await fromWorkers() };
}
