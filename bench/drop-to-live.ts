/**
 * How long from a save until the agent is in force: the file is written, the catalog (its real watcher, workshop and
 * inspection) is waited for. `cold`: the workshop has ended since the last save. Writes bench/results/drop-to-live.json.
 *
 *     npx tsx bench/drop-to-live.ts [rounds]
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '../src/catalog/catalog.ts';
import type { Catalog } from '../src/catalog/ports.ts';
import { silentLog } from '../src/kernel/log.ts';
import { machineTime } from '../src/kernel/time.ts';

const rounds = Math.max(10, Number(process.argv[2] ?? 15));

function source(name: string, round: number): string {
  return `import { definePlugin, z } from 'daruma';

export default definePlugin({
  about: ${JSON.stringify(`${name} ${round}`)},
  schedule: '*/10 * * * *',
  settings: z.strictObject({ path: z.string().default('/'), minFree: z.number().default(0.1) }),
  limits: { memory: '64MB', timeout: '10s' },
  async run({ settings, log }) {
    log.info(settings.path);
    return { minFree: settings.minFree };
  },
});
`;
}

async function measure(warmMs: number, rest: number, nameOf: (round: number) => string): Promise<number[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-bench-')));
  mkdirSync(join(folder, 'plugins'));
  const catalog = createCatalog(
    { time: machineTime, log: silentLog, hostTimezone: () => 'UTC' },
    { folder, versionsFolder: join(folder, 'data/versions'), warmMs },
  );
  await catalog.start();
  const took: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      await machineTime.sleep(rest);
      const name = nameOf(round);
      const live = isLive(catalog, name, `${name} ${round}`);
      const begun = performance.now();
      writeFileSync(join(folder, 'plugins', `${name}.ts`), source(name, round));
      await live;
      took.push(performance.now() - begun);
    }
  } finally {
    await catalog.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return took;
}

function isLive(catalog: Catalog, name: string, about: string): Promise<void> {
  return new Promise((resolve) => {
    const end = catalog.onChange(() => {
      if (catalog.agents().get(name)?.about !== about) return;
      end();
      resolve();
    });
  });
}

function figures(took: number[]) {
  const sorted = took.toSorted((a, b) => a - b).map(Math.round);
  return {
    medianMs: sorted[Math.floor(sorted.length / 2)]!,
    leastMs: sorted[0]!,
    mostMs: sorted.at(-1)!,
    rounds: sorted.length,
  };
}

const result = {
  what: 'from the write of a plugin to its agent in force, the 100 ms that a file must rest included',
  node: process.version,
  cpus: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
  newFileWarm: figures(await measure(10_000, 50, (round) => `new-${round}`)),
  newFileCold: figures(await measure(400, 900, (round) => `new-${round}`)),
  editWarm: figures(await measure(10_000, 50, () => 'same')),
};
mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(join(import.meta.dirname, 'results/drop-to-live.json'), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
