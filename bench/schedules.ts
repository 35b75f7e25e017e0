/**
 * A hundred agents, each every second for 30 s: how many of the 3,000 slots ran, and how late `run` was entered. Quiet,
 * then with one more agent whose loop is busy for half of each second, then with one that burns a whole core.
 *
 *   npm run build && npx tsx bench/schedules.ts [seconds]
 *
 * Writes bench/results/schedules.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machineFacts } from './machine.ts';
import { measureSlots } from './slot-lateness.ts';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const RESULTS = join(import.meta.dirname, 'results');
const AGENTS = 100;
const seconds = Number(process.argv[2] ?? 30);

const busy = (ms: number) => `import { definePlugin } from 'daruma';
export default definePlugin({
  about: 'Keeps its loop busy.',
  schedule: '* * * * * *', overlap: 'skip',
  workers: { min: 1, max: 1 },
  async run() { for (const end = performance.now() + ${ms}; performance.now() < end; ); },
});
`;

const LOADS: Record<string, string | null> = {
  quiet: null,
  'one loop busy for 500 ms of each second': busy(500),
  'one agent burns a core': busy(30_000),
};

const measure = (load: string | null) =>
  measureSlots({
    ...{ main: MAIN, agents: AGENTS, seconds },
    load(folder) {
      if (load !== null) writeFileSync(join(folder, 'plugins/busy.ts'), load);
    },
  });

const found: Record<string, Awaited<ReturnType<typeof measure>>> = {};
for (const [name, load] of Object.entries(LOADS)) {
  found[name] = await measure(load);
  console.log(name, found[name]);
}
mkdirSync(RESULTS, { recursive: true });
const facts = { at: new Date().toISOString(), machine: machineFacts(), agents: AGENTS, seconds };
writeFileSync(join(RESULTS, 'schedules.json'), `${JSON.stringify({ ...facts, found }, null, 2)}\n`);
