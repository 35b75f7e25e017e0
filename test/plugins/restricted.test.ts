import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import backup from '../../plugins/backup.ts';
import diskSpace from '../../plugins/disk-space.ts';
import logAnalysis from '../../plugins/log-analysis.ts';
import logCleanup from '../../plugins/log-cleanup.ts';
import performanceReport from '../../plugins/performance-report.ts';
import postFile from '../../plugins/post-file.ts';
import statusPost from '../../plugins/status-post.ts';
import { tempFolder } from './context.ts';
import { busyReport } from './fleet-sample.ts';
import { runRestricted } from './restricted.ts';
import { makeStore } from './store-sample.ts';

describe('compiled, and with no more rights than it asks for', () => {
  it('disk-space looks at the disk', async () => {
    const ran = await runRestricted('disk-space', diskSpace, { folder: tempFolder(), settings: { minFree: 0 } });
    expect(ran.result).toMatchObject({ path: '/' });
  });

  it('status-post sends', async () => {
    const ran = await runRestricted('status-post', statusPost, { folder: tempFolder(), report: busyReport() });
    expect(ran.sent).toMatchObject([{ agent: 'post-file' }]);
  });

  it('post-file writes its file', async () => {
    const folder = tempFolder();
    expect(await runRestricted('post-file', postFile, { folder, input: { text: 'hello' } })).toHaveProperty('result');
    expect(readFileSync(join(folder, 'posts/status.md'), 'utf8')).toContain('hello');
  });

  it('log-cleanup deletes', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'logs'));
    for (const day of ['20', '21']) writeFileSync(join(folder, `logs/daruma.2026-11-${day}.1.log`), 'line\n');
    utimesSync(join(folder, 'logs/daruma.2026-11-20.1.log'), 0, 0);
    const ran = await runRestricted('log-cleanup', logCleanup, { folder });
    expect(ran.result).toEqual({ deleted: 1, freedBytes: 5, leftBytes: 5 });
  });

  it('log-analysis reads, compressed files too', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'logs'));
    const time = new Date(Date.now() - 86_400_000).toISOString();
    const line = `${JSON.stringify({ level: 'error', time, agent: 'shop', msg: 'no price' })}\n`;
    writeFileSync(join(folder, 'logs/daruma.1.log.zst'), zstdCompressSync(line));
    writeFileSync(join(folder, 'logs/daruma.2.log'), line);
    const ran = await runRestricted('log-analysis', logAnalysis, { folder });
    expect(ran.result).toMatchObject({ errors: 2, new: [{ message: 'no price', count: 2 }] });
  });

  it('performance-report writes its pages', async () => {
    const folder = tempFolder();
    const terms = { folder, report: busyReport(), slot: '2026-11-22T12:00:00.000Z', settings: { timezone: 'UTC' } };
    const ran = await runRestricted('performance-report', performanceReport, terms);
    expect(ran).toMatchObject({ result: { day: '2026-11-21', jobs: 592 } });
    expect(readdirSync(join(folder, 'reports'))).toHaveLength(4);
  });

  it('backup copies, packs and reads back', async () => {
    const folder = tempFolder();
    const storeFile = join(folder, 'data/daruma.db');
    makeStore(storeFile, 20);
    mkdirSync(join(folder, 'plugins'));
    writeFileSync(join(folder, 'plugins/shop.ts'), 'export default 1;');
    const ran = await runRestricted('backup', backup, { folder, storeFile, settings: { leaveFree: '1MB' } });
    expect(ran).toMatchObject({ result: { jobs: 20, entries: 6, checked: true } });
    expect(readdirSync(join(folder, 'backups'))).toHaveLength(2);
  });

  it('none of them can do what it did not ask for', async () => {
    const folder = tempFolder();
    const plain = { ...postFile, needs: {} };
    const ran = await runRestricted('post-file', plain, { folder, input: { text: 'hello' } });
    expect(ran.error).toContain('restricted');
  });
});
