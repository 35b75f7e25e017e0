import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { canTrace } from '../../scripts/fuzz/disk/process.ts';
import { slowFlushes } from '../../scripts/fuzz/faults/slow-disk.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

// The long form, with flushes of up to two seconds: npm run fuzz:slow.

it('waits for no flush in the loop of host or guardian, and takes no host for dead whose disk is slow', async (context) => {
  if (!canTrace()) context.skip('NOT TRIED: strace is not here, or not permitted, and nothing else holds up a flush');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'daruma-slow-')));
  const said: string[] = [];
  try {
    const run = { main: MAIN, folder, seed: 5, delays: [250], seconds: 4, say: (line: string) => said.push(line) };
    const { inAll, broken } = await slowFlushes(run);
    expect(broken, said.join('\n')).toEqual({});
    expect(inAll).toMatchObject({ restarts: 0, flushesByLoops: 0, acceptedAndLost: 0, takenForSilent: 0 });
    expect(inAll.flushes).toBeGreaterThan(20);
    expect(inAll.accepted).toBeGreaterThan(20);
    // Each order waited for the disk: nothing is acknowledged before it is there.
    expect(inAll.ackMs.p50).toBeGreaterThan(250);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
