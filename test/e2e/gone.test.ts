import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Installation, installation, plugin } from './installation.ts';

let place: Installation | undefined;
afterEach(async () => {
  await place?.leave();
  place = undefined;
});

it('tells of jobs and state whose agent was renamed, counts them, and drops what is stale when the name is back', async () => {
  place = installation({
    'plugins/report.ts': plugin('await context.state.set("n", 1); return 1;'),
    'agents/daily.yaml': 'plugin: report\n',
  });
  const { daruma, folder, until, write } = place;
  await place.start();
  await daruma('run', 'daily', '--wait', '--json');
  await daruma('pause', 'daily');
  for (const n of [1, 2]) await daruma('run', 'daily', '--with', `n=${n}`, '--json');
  renameSync(join(folder, 'agents/daily.yaml'), join(folder, 'agents/weekly.yaml'));

  const { code, json: status } = await until(
    () => daruma('status', '--json'),
    ({ json }) => json.problems.length > 0 && json.agents[0]?.name === 'weekly',
  );
  expect(code).toBe(3);
  expect(status.problems).toMatchObject([{ code: 'JOBS_WITHOUT_AGENT', data: { agent: 'daily', waiting: 2 } }]);
  expect(status.problems[0].message).toContain('weekly');
  expect(status.notes).toMatchObject([
    { code: 'STATE_WITHOUT_AGENT', next: expect.stringContaining('daruma state daily --move-to weekly') },
  ]);
  expect(status.host.queued).toBe(2);
  expect((await daruma('check', '--json')).json.problems).toMatchObject([{ code: 'JOBS_WITHOUT_AGENT' }]);
  expect((await daruma('jobs', 'daily')).stdout).toContain('daily is not in force');
  expect((await daruma('why', 'daily', '--json')).json.sentence).toContain('2 jobs wait for daily');
  expect((await daruma('logs', '-n', '200')).stdout).toContain('2 jobs wait for daily');

  write('agents/daily.yaml', 'plugin: report\nlimits: { staleAfter: 1ms }\n');
  // Nobody is resumed before the host knows the name again.
  await until(
    () => daruma('resume', 'daily'),
    (said) => said.code === 0,
  );
  const back = await until(
    () => daruma('jobs', 'daily', '--json'),
    ({ json }) => json.every(({ state }: { state: string }) => state === 'done' || state === 'cancelled'),
  );
  expect(back.json.filter(({ error }: { error: { code: string } | null }) => error?.code === 'STALE')).toHaveLength(2);
});
