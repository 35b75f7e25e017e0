import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../world.ts';
import { interrupted } from './daruma.ts';
import { type Entry, openRunRecord } from './ledger.ts';
import { BROKEN, type System } from './session.ts';

const INTERVAL_MS = 300;
const PROGRAM = join(import.meta.dirname, '../systems/bree-reload.mjs');

/** Bree has no queue: the job is due every 300 ms, and a time at which no run was brought to its end is work that was dropped. */
export const breeSystems: readonly System[] = [
  { name: 'Bree, file edited', note: 'the job file is saved; a run every 300 ms', isSwapped: false },
  {
    name: 'Bree, file swapped',
    note: 'a new file each time: `remove`, `add`, `start`; a run every 300 ms',
    isSwapped: true,
  },
].map(({ name, note, isSwapped }) => ({
  name,
  note,
  async open(world, { jobMs }) {
    const [jobs, out] = [join(world.folder, 'jobs'), join(world.folder, 'out')];
    for (const folder of [jobs, out]) mkdirSync(folder);
    const runRecord = openRunRecord(join(out, 'ran.txt'));
    let saves = 0;
    const saveText = (text: string) => {
      if (isSwapped) saves++;
      writeFileSync(join(jobs, `work${saves}.mjs`), text);
      if (saves > 0) bree.send(`work${saves}`);
    };
    const save = (mark: string) => saveText(program(runRecord.file, mark, jobMs));
    writeFileSync(join(jobs, 'work0.mjs'), program(runRecord.file, 'v0', jobMs));
    const bree = fork(PROGRAM, [jobs, 'work0', String(INTERVAL_MS)], { env: world.env, execArgv: [] });
    let swapped = 0;
    bree.on('message', (message: { swapped?: string }) => void (message.swapped && swapped++));
    await once(bree, 'message');
    const counts = async (): Promise<{ counted: Record<string, number>; last: string }> => {
      bree.send(null as never);
      for (;;) {
        const [answer] = await once(bree, 'message');
        if (answer.counted) return answer;
      }
    };
    return {
      runRecord,
      save,
      saveBroken: () => saveText(BROKEN),
      saveNew: (mark) => writeFileSync(join(jobs, 'late.mjs'), program(runRecord.file, mark, 0)),
      rested: async () => void (await until(15_000, () => swapped === saves)),
      async stands() {
        const { counted, last } = await counts();
        return counted.failed ? `each run fails, ${last}` : 'runs';
      },
      async work() {
        // The last of them may be under way.
        await sleep(jobMs + INTERVAL_MS);
        runRecord.look();
        const { counted } = await counts();
        const begun = runRecord.begun.length;
        const stuck = interrupted(runRecord, jobMs);
        return {
          offered: begun + timesMissed(runRecord.begun),
          done: begun - stuck,
          rest: { ...counted, interrupted: stuck },
        };
      },
      async close() {
        bree.disconnect();
        if (bree.exitCode === null) await once(bree, 'exit');
      },
    };
  },
}));

/** Times at which a run was due and none began. Counted in the gaps, for its timer runs late by some ms each time. */
function timesMissed(begun: readonly Entry[]): number {
  const times = begun.map(({ at }) => at).toSorted((a, b) => a - b);
  return times
    .slice(1)
    .reduce((sum, at, index) => sum + Math.max(0, Math.round((at - times[index]!) / INTERVAL_MS) - 1), 0);
}

function program(runRecord: string, mark: string, jobMs: number): string {
  return `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';

const job = \`\${threadId}-\${Date.now()}\`;
const note = (what) => appendFileSync('${runRecord}', \`\${what} \${job} ${mark} \${Date.now()}\\n\`);
note('b');
await sleep(${jobMs});
note('e');
`;
}
