import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobQueue, JobRecords } from '../../jobs/ports.ts';
import { settle } from '../../jobs/settle.ts';
import { Fault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { ABOUT, aboutOf } from './archive.ts';

/** The name of {@link ABOUT} until a host has started on the restored store. */
const RESTORED = 'data/restored.json';
/** Stands in `data/` while files are put in place: a host that finds it does not start on half of them. */
export const UNFINISHED_RESTORE = 'data/restoring.json';
const NO_BACKOFF = { first: 1_000, longest: 1_000 };

/**
 * The work of the first host after a restore, before that host takes up jobs, whether the archive was restored by the command or
 * unpacked by hand: the job that made the backup is over, for its archive is what the installation came from. In the copy
 * it was still running, and would be run again at once.
 */
export async function settleRestored(
  folder: string,
  store: Pick<JobQueue, 'settle'> & Pick<JobRecords, 'get'>,
  { now, log }: { now: number; log: Log },
): Promise<void> {
  const { job: id, madeAt } = await aboutOf(folder);
  if (id === undefined) return;
  const job = await store.get(id);
  if (job?.state === 'running') {
    const startedAt = job.startedAt ?? now;
    const facts = { job: id, attempt: job.attempt, attempts: job.attempts, startedAt };
    // When it was made, not now: it may have lain for a year.
    const finishedAt = Math.max(startedAt, Date.parse(madeAt ?? '') || now);
    const result = JSON.stringify({ restored: true });
    await store.settle([settle({ ...facts, finishedAt }, { is: 'done', result }, NO_BACKOFF, 0)]);
  }
  log.info(`restored from the backup of ${madeAt ?? 'an unknown time'}`, { job: id });
  const about = JSON.parse(readFileSync(join(folder, ABOUT), 'utf8'));
  writeFileSync(join(folder, ABOUT), JSON.stringify({ ...about, startedAt: new Date(now).toISOString() }));
  renameSync(join(folder, ABOUT), join(folder, RESTORED));
}

/** Throws `RESTORE_UNFINISHED` where a restore was cut off: half of the files would be of one time, half of another. */
export function refuseHalfRestored(folder: string): void {
  let found: { file?: unknown; aside?: unknown };
  try {
    found = JSON.parse(readFileSync(join(folder, UNFINISHED_RESTORE), 'utf8'));
  } catch (thrown) {
    // A file where data/ has to be is another trouble, and told as that one.
    if (['ENOENT', 'ENOTDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) return;
    found = {};
  }
  const again = typeof found.file === 'string' ? found.file : 'backups/<file>';
  throw new Fault({
    code: 'RESTORE_UNFINISHED',
    message: `a restore into ${folder} was cut off; what was there before is in ${String(found.aside ?? 'data/before-restore-*')}`,
    next: `daruma backup restore ${again}`,
  });
}
