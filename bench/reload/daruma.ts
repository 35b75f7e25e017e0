import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../world.ts';
import { makeInstallation, openDaruma } from './daruma-host.ts';
import { openRunRecord } from './ledger.ts';
import { startLoad } from './load.ts';
import { BROKEN, type System } from './session.ts';

/** Jobs are asked for on the control socket, which acknowledges each after it is on disk. */
export const darumaSystem: System = {
  name: 'Daruma',
  note: 'the plugin is saved',
  async open(world, { perSecond, jobMs }) {
    const { folder } = world;
    makeInstallation(folder);
    const runRecord = openRunRecord(join(folder, 'out/ran.txt'));
    const save = (mark: string) => writeFileSync(join(folder, 'plugins/work.ts'), program(mark, jobMs));
    save('v0');
    const host = await openDaruma(world);
    const rest = { refused: 0 };
    const accepted = new Set<string>();
    await until(15_000, async () => {
      const { agents } = await host.client.ask('status', {});
      return agents.some(({ name }) => name === 'work');
    });
    const load = startLoad(perSecond, () =>
      host.client.ask('run', { agent: 'work' }).then(
        ({ id }) => void accepted.add(id),
        () => void rest.refused++,
      ),
    );
    const doneOf = () => new Set(runRecord.ended.flatMap(({ job }) => (accepted.has(job) ? [job] : []))).size;
    return {
      runRecord,
      save,
      saveBroken: () => writeFileSync(join(folder, 'plugins/work.ts'), BROKEN),
      saveNew: (mark) => writeFileSync(join(folder, 'plugins/late.ts'), program(mark, 0, `schedule: '* * * * * *',`)),
      rested: async () => {},
      async stands() {
        const { agents, problems } = await host.client.ask('status', {});
        const said = problems.map(({ code }) => code).join(', ');
        return `${agents.find(({ name }) => name === 'work')?.state ?? 'gone'}${said ? `, ${said}` : ''}`;
      },
      async work() {
        const offered = load.offered;
        await until(15_000, () => {
          runRecord.look();
          return doneOf() + rest.refused >= offered;
        });
        const twice = runRecord.ended.length - new Set(runRecord.ended.map(({ job }) => job)).size;
        return {
          offered,
          done: Math.min(doneOf(), offered),
          rest: { ...rest, interrupted: interrupted(runRecord, jobMs), 'run twice': twice },
        };
      },
      async close() {
        await load.stop();
        await host.stop();
      },
    };
  },
};

/** Begun long ago and never ended. Work that was begun just now may still end. */
export function interrupted({ begun, ended }: ReturnType<typeof openRunRecord>, jobMs: number): number {
  const before = Date.now() - jobMs - 1_000;
  const times = new Map<string, number>();
  for (const { job } of ended) times.set(job, (times.get(job) ?? 0) + 1);
  return begun.filter(({ job, at }) => {
    const left = times.get(job) ?? 0;
    if (left > 0) times.set(job, left - 1);
    return left === 0 && at < before;
  }).length;
}

function program(mark: string, jobMs: number, schedule = ''): string {
  return `import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { definePlugin } from 'daruma';

export default definePlugin({
  about: 'Notes when it begins and ends.',
  ${schedule}
  needs: { write: ['out'] },
  workers: { min: 1, max: 12 },
  async run({ job, folder }) {
    const note = (what: string) =>
      appendFileSync(\`\${folder}/out/ran.txt\`, \`\${what} \${job.id} ${mark} \${Date.now()}\\n\`);
    note('b');
    await sleep(${jobMs});
    note('e');
    return '${mark}';
  },
});
`;
}
