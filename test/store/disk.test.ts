import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { toldIn } from '../../scripts/fuzz/disk/history.ts';
import { canTrace } from '../../scripts/fuzz/disk/process.ts';
import { tornLogs } from '../../scripts/fuzz/disk/torn-logs.ts';
import { cleaningUp, folder } from './folder.ts';

cleaningUp();

// The long form of both, with every system call failed in its turn: npm run fuzz:disk.

test('a damaged log of a killed writer opens with a state that it had, and with all that was not hit', async () => {
  const { byDamage, broken } = await tornLogs({ folder: folder(), seeds: 12 });
  expect(broken).toEqual([]);
  for (const { logs, shortened } of Object.values(byDamage)) {
    expect(logs).toBe(12);
    expect(shortened).toBeGreaterThan(6);
  }
});

test('a folder that cannot be flushed is told at the start: files that it does not name after a power cut are lost', (context) => {
  if (!canTrace()) context.skip('strace is not here, or not permitted');
  const path = folder();
  const writer = fileURLToPath(new URL('../../scripts/fuzz/disk/writer.ts', import.meta.url));
  const onlyThisFolder = ['-f', '-qq', '-o', '/dev/null', '-P', path, '-e', 'inject=fsync,fdatasync:error=EIO'];
  const args = [...onlyThisFolder, process.execPath, writer, join(path, 'store.db'), '4', 'stop', '1'];
  const { stdout } = spawnSync('strace', args, { encoding: 'utf8' });
  expect(toldIn(stdout)).toEqual({ steps: [], refusals: [], notStarted: 'STORE_IO' });
});
