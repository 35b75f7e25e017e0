import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FenceReport } from '../fence/terms.ts';
import { Fault } from '../kernel/fault.ts';
import { silentLog } from '../kernel/log.ts';
import { machineTime } from '../kernel/time.ts';
import { openCell } from './cell.ts';
import { readBy, sharedTerms } from './permissions.ts';

/** A cell that has not reported its fences within this time will not. */
const WITHIN_MS = 10_000;

/** Starts a cell without an agent, has it shut itself in without any right, and ends it. Rejects when it said nothing. */
export async function tryFence(folder: string): Promise<FenceReport> {
  const cwd = mkdtempSync(join(tmpdir(), 'daruma-fence-'));
  const { promise, resolve, reject } = Promise.withResolvers<FenceReport>();
  const terms = sharedTerms(undefined, folder, []);
  const lost = (fault: ConstructorParameters<typeof Fault>[0]) => reject(new Fault(fault));
  const cell = openCell(
    {
      time: machineTime,
      log: silentLog,
      found: resolve,
      receive() {},
      broken: (_, why) => lost(why),
      lost: (_, { fault }) => lost(fault),
    },
    { cwd, folder, read: readBy(terms) },
  );
  cell.gate.shut(terms);
  const stop = machineTime.after(WITHIN_MS, () => cell.process.kill('it did not say what its fences are'));
  try {
    return await promise;
  } finally {
    stop();
    cell.closing = true;
    await cell.process.end();
    rmSync(cwd, { recursive: true, force: true });
  }
}
