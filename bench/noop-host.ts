import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConfigFiles } from '../src/host/config/files.ts';
import { readConfig } from '../src/host/config/read.ts';
import { startHost } from '../src/host/host.ts';

/**
 * A real host in a folder of its own (below `BENCH_FOLDER`, by default the temporary folder, which the host then watches), with one agent whose `run` is the given expression. Threads and cells run
 * from `dist/`.
 */
export async function noopHost(run: string, workers: number) {
  const folder = mkdtempSync(join(process.env.BENCH_FOLDER ?? tmpdir(), 'daruma-bench-'));
  mkdirSync(join(folder, 'plugins'));
  mkdirSync(join(folder, 'agents'));
  writeFileSync(
    join(folder, 'plugins/noop.ts'),
    `import { definePlugin } from 'daruma';
export default definePlugin({ about: 'Nothing.', workers: { min: ${workers}, max: ${workers} }, run: ${run} });`,
  );
  const config = readConfig(openConfigFiles(folder), { unattended: false, now: Date.now() });
  const host = await startHost({ folder, config, ending: (why) => console.error(why), gone: console.error });
  const { hostContext } = host;
  while (!hostContext.catalog.agents().has('noop')) await hostContext.time.sleep(10);
  const waiting = { left: 0, done: () => {} };
  hostContext.jobs.onSettled((end) => {
    if (end.state === 'done' && --waiting.left === 0) waiting.done();
  });

  return {
    hostContext,
    /** Runs so many jobs with so many unacknowledged at a time; resolves when all completions are on disk. */
    async drive(count: number, inFlight: number) {
      const finished = new Promise<void>((resolve) => {
        waiting.left = count;
        waiting.done = resolve;
      });
      let next = 0;
      const lane = async () => {
        while (next < count) {
          next++;
          await hostContext.jobs.add([{ agent: 'noop', trigger: 'manual', input: null, attempts: 5 }]);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, lane));
      await finished;
    },
    async stop() {
      await host.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
