/**
 * Whether the memory of the model gateway is flat: streamed calls, 32 at a time, with its resident memory at each twentieth.
 *
 *   npm run build && tsx bench/soak-models.ts [calls]
 *
 * Default: 100,000; it gives up after 60 minutes. Writes bench/results/soak-models.json. Flat: the median of the last quarter is at most 3 MB above that
 * of the second.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcessSize } from '../src/kernel/proc.ts';
import { startGateway } from '../test/gateway/models/running.ts';
import { machineFacts, median } from './machine.ts';

const RESULTS = join(import.meta.dirname, 'results');
const AT_A_TIME = 32;
const READINGS = 20;
const LONGEST_MS = 60 * 60_000;
const calls = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 100_000);

const gateway = await startGateway();
try {
  const { pid } = gateway.models.view()!;
  const readings: number[] = [];
  const read = () => readings.push(Math.round(((readProcessSize(pid)?.rssBytes ?? 0) / 1024 / 1024) * 10) / 10);
  const began = performance.now();
  let begun = 0;
  let done = 0;
  let failed = 0;

  async function client() {
    while (begun < calls && performance.now() - began < LONGEST_MS) {
      begun += 1;
      const response = await gateway.ask({
        model: 'auto',
        stream: true,
        messages: [{ role: 'user', content: 'Go on.' }],
      });
      const text = await response.text();
      if (!text.endsWith('data: [DONE]\n\n')) failed += 1;
      done += 1;
      gateway.ledger.ended.length = 0;
      if (done % Math.ceil(calls / READINGS) === 0) read();
    }
  }

  read();
  await Promise.all(Array.from({ length: AT_A_TIME }, client));
  const quarter = (at: number) =>
    median(readings.slice(1).filter((_, index, all) => Math.floor((4 * index) / all.length) === at));
  const grownMb = Math.round((quarter(3) - quarter(1)) * 10) / 10;
  const minutes = Math.round((performance.now() - began) / 6_000) / 10;
  const result = {
    machine: machineFacts(),
    calls: done,
    failed,
    minutes,
    rssMb: readings,
    grownMb,
    isFlat: grownMb <= 3,
  };
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, 'soak-models.json'), `${JSON.stringify(result, null, 2)}\n`);
  console.log(JSON.stringify(result));
} finally {
  await gateway.stop();
}
