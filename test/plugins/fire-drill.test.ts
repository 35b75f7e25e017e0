import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import fireDrill from '../../plugins/fire-drill.ts';
import { runPlugin, tempFolder } from './context.ts';
import { agentOf, busyReport, reportOf } from './fleet-sample.ts';

const settings = { timezone: 'UTC' };

it('puts what drills have shown into one table, and names what is only a hope with the command that proves it', async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, 'reports'));
  for (const day of ['01', '08', '15']) writeFileSync(join(folder, `reports/fire-drill-2026-11-${day}.md`), 'old');
  const { result, summary, sent } = await runPlugin(fireDrill, {
    folder,
    report: busyReport(),
    settings: { ...settings, keep: 2, sendTo: ['post-file'] },
  });
  expect(result.file).toBe('reports/fire-drill-2026-11-22.md');
  expect(result.rows).toEqual([
    { what: 'faults', is: 'hope', at: null, tookMs: null },
    { what: 'backup', is: 'proven', at: '2026-11-22T02:00:41.000Z', tookMs: 12_000 },
    { what: 'restore', is: 'failed', at: '2026-11-15T04:26:00.000Z', tookMs: 40 },
    { what: 'chain', is: 'proven', at: '2026-11-21T04:10:00.000Z', tookMs: null },
  ]);
  expect(summary).toContain(
    'Fire drill, 2026-11-22: 2 of 4 proven; Faults that heal: only a hope; Restored and started: failed',
  );
  expect(summary).toContain('| Faults that heal | – only a hope | never | – | no drill has shown it `daruma drill` |');
  expect(summary).toContain('| Backup | ✓ proven | 2026-11-22 02:00 | 12.0 s |');
  expect(sent).toMatchObject([{ agent: 'post-file', input: { level: 'warning' } }]);
  expect(readdirSync(join(folder, 'reports')).sort()).toEqual(['fire-drill-2026-11-15.md', 'fire-drill-2026-11-22.md']);
  expect(readFileSync(join(folder, result.file), 'utf8')).toMatch(/^# Fire drill, /);
});

it('a copy elsewhere is only a hope until it was restored from there, and is a restore then', async () => {
  const agents = [agentOf('bucket', { plugin: 'backup-s3' })];
  const rowsOf = async (proofs: ReturnType<typeof reportOf>['proofs']) =>
    (
      await runPlugin(fireDrill, {
        report: reportOf({ agents, proofs }),
        settings: { ...settings, expect: ['restore'] },
      })
    ).result.rows;
  expect(await rowsOf([])).toMatchObject([
    { what: 'restore', is: 'hope' },
    { what: 'copy', is: 'hope' },
  ]);
  const proof = { at: '2026-11-21T04:26:00.000Z', ok: true, text: 'fetched', tookMs: 900, job: 'job-9' };
  expect(await rowsOf([{ what: 'copy', ...proof }])).toMatchObject([
    { what: 'restore', is: 'proven', tookMs: 900 },
    { what: 'copy', is: 'proven', tookMs: 900 },
  ]);
});

it('a proof counts for so long, and no longer', async () => {
  const proof = {
    what: 'faults' as const,
    at: '2026-11-13T00:00:00.000Z',
    ok: true,
    text: '9 of 9',
    tookMs: 60_000,
    job: null,
  };
  const run = (oldest: string) =>
    runPlugin(fireDrill, { report: reportOf({ proofs: [proof] }), settings: { ...settings, expect: [], oldest } });
  expect((await run('10d')).result.rows).toMatchObject([{ is: 'proven' }]);
  expect((await run('8d')).result.rows).toMatchObject([{ is: 'hope' }]);
});
