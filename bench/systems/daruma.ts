/**
 * Daruma doing no-op jobs through a real host, cell and worker: `tsx daruma.ts <jobs> <in flight> <workers>`. Runs the
 * compiled host of `dist/`. A job counts when its completion is on disk. Prints one line of JSON.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { startHost } = (await import(
  new URL('../../dist/host/host.js', import.meta.url).href
)) as typeof import('../../src/host/host.ts');
const { readHostSettings } = (await import(
  new URL('../../dist/catalog/host-settings.js', import.meta.url).href
)) as typeof import('../../src/catalog/host-settings.ts');

const [jobs = 20_000, inFlight = 200, workers = 2] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'daruma-bench-'));
mkdirSync(join(folder, 'plugins'));
mkdirSync(join(folder, 'agents'));
writeFileSync(
  join(folder, 'plugins/noop.ts'),
  `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Nothing.', workers: { min: ${workers}, max: ${workers} }, run: () => null });`,
);
const host = await startHost({ folder, ...readHostSettings(folder), ending: (why) => console.error(why) });
const { jobs: service, time } = host.house;
while (!host.house.catalog.agents().has('noop')) await time.sleep(10);

/** Enough to compile what is hot and to start the workers. */
await run(Math.min(jobs, 2_000));
const begun = performance.now();
const cpuBefore = process.cpuUsage();
await run(jobs);
const seconds = (performance.now() - begun) / 1000;
const cpu = process.cpuUsage(cpuBefore);
console.log(
  JSON.stringify({
    jobs,
    seconds,
    jobsPerSecond: jobs / seconds,
    hostCpuSeconds: (cpu.user + cpu.system) / 1e6,
    hostRssMb: process.memoryUsage.rss() / 2 ** 20,
  }),
);
await host.stop();
rmSync(folder, { recursive: true, force: true });

async function run(count: number) {
  let done = 0;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const onSettled = () => {
    if (++done === count) finish();
  };
  service.onSettled(() => onSettled());
  let next = 0;
  const lane = async () => {
    while (next < count) {
      next++;
      await service.add([{ agent: 'noop', trigger: 'manual', input: null, attempts: 5 }]);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  await finished;
}
