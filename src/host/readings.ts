import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SpendLedger } from '../gateway/models/ledger.ts';
import type { Amounts } from '../gateway/models/spend.ts';
import { minus, NO_AMOUNTS } from '../gateway/models/spend-rules.ts';
import { dollarsOf } from '../kernel/money.ts';
import { machinePressure } from '../kernel/proc.ts';
import type { Time } from '../kernel/time.ts';
import type { StorePorts } from '../store/ports.ts';
import { type Aggregation, createAggregation } from '../telemetry/aggregation.ts';
import type { Journal } from '../telemetry/journal.ts';
import { logFiles } from '../telemetry/log-files.ts';
import type { Meter } from '../telemetry/meter/meter.ts';
import type { Workers } from '../workers/ports.ts';
import type { HostFacts } from './facts.ts';
import { type LoopDelay, watchLoopDelay } from './loop-delay.ts';

interface AggregationNeeds {
  time: Time;
  journal: Pick<Journal, 'child' | 'takeWritten'>;
  meter: Meter;
  facts: Pick<HostFacts, 'store' | 'logFolder'>;
  store: StorePorts;
  workers: Pick<Workers, 'view'>;
  ledger: Pick<SpendLedger, 'totals'>;
}

/** The loop that reads the levels of the host each minute and writes the meter down, and the delay that it reads. */
export function createHostAggregation(needs: AggregationNeeds): { aggregation: Aggregation; loopDelay: LoopDelay } {
  const { time, journal, meter, store } = needs;
  const loopDelay = watchLoopDelay();
  const read = createReadings(needs, loopDelay);
  return { aggregation: createAggregation({ time, log: journal.child('telemetry'), store, meter, read }), loopDelay };
}

/** Reads the levels of the host, and what the ledger of models counted, into the meter. */
function createReadings(needs: AggregationNeeds, delay: LoopDelay): () => Promise<void> {
  const { meter, facts, store, workers, journal } = needs;
  const readCpu = cpuSince();
  const readSpend = spendSince(needs);
  const host = (name: string, value: number) => meter.gauge(name, {}, value);

  function readProcesses() {
    const { cells, workers: all } = workers.view();
    host('workers', all.length);
    host('workers.busy', all.filter(({ is }) => is === 'busy').length);
    host('cells', cells.length);
    host('cells.memory', sumOf(cells.map(({ rssBytes }) => rssBytes ?? 0)));
    host('host.memory', process.memoryUsage.rss());
    meter.count('host.cpu', {}, readCpu());
    host('loop.delay', delay.takeMinute());
    for (const [resource, share] of Object.entries(machinePressure())) {
      meter.gauge('pressure', { labels: { resource } }, share);
    }
  }

  return async () => {
    readProcesses();
    readSpend();
    for (const [agent, bytes] of journal.takeWritten())
      meter.count('log.written', agent === null ? {} : { agent }, bytes);
    host('jobs.waiting', sumOf((await store.overview()).map(({ queued, retrying }) => queued + retrying)));
    host('store.size', (await store.health()).bytes);
    host('log.size', sumOf(logFiles(facts.logFolder, 'daruma').map(({ bytes }) => bytes)));
    const { bavail, bsize } = await statfs(dirname(facts.store.file));
    host('disk.free', bavail * bsize);
  };
}

/** Processor time of the host in ms since the last call. */
function cpuSince(): () => number {
  let before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    return Math.round((user + system) / 1_000);
  };
}

/** Calls, tokens and money of models, by agent and rung, since the last call: the ledger counts, the meter keeps the course. */
function spendSince({ meter, ledger }: Pick<AggregationNeeds, 'meter' | 'ledger'>): () => void {
  const before = new Map<string, Amounts>();
  return () => {
    const all = [...ledger.totals()].flatMap(([agent, rungs]) =>
      [...rungs].map(([rung, spent]) => ({ agent, rung, spent })),
    );
    for (const { agent, rung, spent } of all) {
      const key = `${agent}\n${rung}`;
      const was = before.get(key) ?? NO_AMOUNTS;
      before.set(key, spent);
      const { calls, tokens, micros } = minus(spent, was);
      const of = { agent, labels: { rung } };
      if (calls > 0) meter.count('models.calls', of, calls);
      if (tokens > 0) meter.count('models.tokens', of, tokens);
      if (micros > 0) meter.count('models.money', of, dollarsOf(micros));
    }
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
