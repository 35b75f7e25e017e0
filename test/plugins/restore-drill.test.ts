import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import restoreDrill from '../../plugins/restore-drill.ts';
import { runPlugin, tempFolder } from './context.ts';
import { agentOf, reportOf } from './fleet-sample.ts';

const HOUR_MS = 3_600_000;

/** An installation with archives of which nobody asks what is in them. */
function withArchives(...names: string[]) {
  const folder = tempFolder();
  mkdirSync(join(folder, 'backups'));
  for (const name of names) writeFileSync(join(folder, 'backups', name), 'x');
  return folder;
}

const proven = { jobs: 1_204, entries: 9, bytes: 100, storeHash: 'h', agents: ['shop'] };

describe('a restore drill', () => {
  it('restores the newest backup, and names the agents that it is too old to have', async () => {
    const folder = withArchives('daruma-20261121T020000Z.tar.gz', 'daruma-20261122T020000Z.tar.zst', 'notes.txt');
    const asked: string[] = [];
    const prove = async (file: string) => {
      asked.push(file);
      return proven;
    };
    const report = reportOf({ agents: [agentOf('shop'), agentOf('new')] });
    const { result, summary } = await runPlugin(restoreDrill, { folder, prove, report });
    expect(asked).toEqual([join(folder, 'backups/daruma-20261122T020000Z.tar.zst')]);
    expect(result).toMatchObject({ file: 'backups/daruma-20261122T020000Z.tar.zst', jobs: 1_204, missing: ['new'] });
    expect(summary).toMatch(
      /was restored in .+: 1,204 jobs, 1 agent would start\. Agents of today that it has not: new\.$/,
    );
  });

  it('has the farthest place that keeps copies restore them, and says which; agents that are off are no part of it', async () => {
    const folder = withArchives('daruma-20261122T020000Z.tar.zst');
    const restic = agentOf('disk-2', { plugin: 'backup-restic' });
    const s3 = agentOf('bucket', { plugin: 'backup-s3' });
    const drill = (...agents: ReturnType<typeof agentOf>[]) =>
      runPlugin(restoreDrill, { folder, prove: async () => proven, report: reportOf({ agents }), slot: 'sunday' });
    const { result, sent, summary } = await drill(restic, s3);
    expect(sent).toEqual([{ agent: 'bucket', input: { drill: true }, key: 'restore-drill:sunday' }]);
    expect(result).toEqual({ from: 'bucket', job: 'sent-1', restored: null });
    expect(summary).toBe('The farthest copies are those of `bucket`: sent-1 restores the newest from there.');
    const waiting = { ...s3, state: 'needs setup' };
    const second = await drill(restic, waiting);
    expect(second.sent).toMatchObject([{ agent: 'disk-2' }]);
    expect(second.summary).toContain('Nothing was fetched from bucket: needs setup.');
    const off = { ...s3, state: 'off', memoryLimitBytes: null };
    const third = await drill(off, agentOf('post-x', { state: 'off', memoryLimitBytes: null }));
    expect(third.sent).toEqual([]);
    expect(third.result).toMatchObject({ from: 'backups', restored: 'daruma-20261122T020000Z.tar.zst', missing: [] });
  });

  it('fails without a backup, with an old one, and with one that cannot be restored', async () => {
    await expect(runPlugin(restoreDrill, { folder: withArchives() })).rejects.toThrow('daruma backup now');
    const name = 'daruma-20261122T020000Z.tar.zst';
    const folder = withArchives(name);
    const broken = async () => Promise.reject(new Error('the store is damaged'));
    await expect(runPlugin(restoreDrill, { folder, prove: broken })).rejects.toThrow('the store is damaged');
    const long = (Date.now() - 30 * HOUR_MS) / 1_000;
    utimesSync(join(folder, 'backups', name), long, long);
    const prove = async () => proven;
    await expect(runPlugin(restoreDrill, { folder, prove })).rejects.toThrow(/^the newest backup, .+, is 1 d 6 h old/);
    await expect(runPlugin(restoreDrill, { folder, prove, settings: { oldest: '2d' } })).resolves.toBeDefined();
  });
});
