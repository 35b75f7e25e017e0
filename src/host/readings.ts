import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SpendLedger } from '../gateway/models/ledger.ts';
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
  journal: Pick<Journal, 'child'>;
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
  const { meter, facts, store, workers } = needs;
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

/** Calls, tokens and money of models, by agent, since the last call: the ledger counts, the meter keeps the course. */
function spendSince({ meter, ledger }: Pick<AggregationNeeds, 'meter' | 'ledger'>): () => void {
  const before = new Map<string, { calls: number; tokens: number; micros: number }>();
  return () => {
    for (const [agent, { calls, tokens, micros }] of ledger.totals()) {
      const was = before.get(agent) ?? { calls: 0, tokens: 0, micros: 0 };
      before.set(agent, { calls, tokens, micros });
      if (calls > was.calls) meter.count('models.calls', { agent }, calls - was.calls);
      if (tokens > was.tokens) meter.count('models.tokens', { agent }, tokens - was.tokens);
      if (micros > was.micros) meter.count('models.money', { agent }, dollarsOf(micros - was.micros));
    }
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
