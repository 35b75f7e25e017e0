import { DAY_MS, GB } from '../../kernel/measures.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { DoctorCheck } from '../../operations/results/doctor.ts';
import type { MachineFacts } from './machine.ts';

type Check = Omit<DoctorCheck, 'group'>;

/** A check that found nothing to do. */
export const fine = (name: string, text: string): Check => ({ name, state: 'ok', text, fix: null });
/** A check that found something that needs a person. */
export const problem = (name: string, text: string, fix: string | null): Check => ({
  name,
  state: 'problem',
  text,
  fix,
});
/** A check that found something to look at when it suits. */
export const warning = (name: string, text: string, fix: string | null): Check => ({
  name,
  state: 'warning',
  text,
  fix,
});
/** A check that could not be made. */
export const unknown = (name: string, text: string): Check => ({ name, state: 'unknown', text, fix: null });

/** Node that Daruma needs at least, and where the healer frees space. */
const LEAST_NODE = 26;
const LEAST_FREE_SHARE = 0.05;
const LEAST_FREE_BYTES = GB / 2;
const BACKUP_AGE_MS = 8 * DAY_MS;
const FEW_FILES = 4_096;

/** Judges the machine and the folder: what needs no host. */
export function machineChecks(facts: MachineFacts): DoctorCheck[] {
  const checks = [
    node(facts),
    clock(facts),
    disk(facts),
    backup(facts),
    ...permissions(facts),
    files(facts),
    watches(facts),
  ];
  return checks.map((check) => ({ ...check, group: 'host' }));
}

function node({ node }: MachineFacts): Check {
  const major = Number.parseInt(node, 10);
  return major >= LEAST_NODE
    ? fine('node', `Node ${node}`)
    : problem('node', `Node ${node} is older than ${LEAST_NODE}`, `npm install node@${LEAST_NODE}`);
}

/** No other clock is asked: that would be a request to somebody. A host tells of jumps as well. */
function clock({ clockInSync }: MachineFacts): Check {
  if (clockInSync) return fine('clock', 'kept by systemd-timesyncd');
  if (clockInSync === false)
    return warning('clock', 'systemd-timesyncd has not set the clock yet', 'timedatectl timesync-status');
  return unknown('clock', 'not compared with another clock: no systemd-timesyncd here');
}

function disk({ disk, storeBytes, logs }: MachineFacts): Check {
  if (!disk) return unknown('disk', 'the system does not say how much of the disk is free');
  const parts = [
    `disk ${formatSize(disk.freeBytes)} free`,
    storeBytes === null ? 'no store yet' : `store ${formatSize(storeBytes)}`,
    `logs ${formatSize(logs.bytes)} of ${formatSize(logs.budgetBytes)}`,
  ];
  const text = parts.join(', ');
  const isShort = disk.freeBytes < LEAST_FREE_BYTES || disk.freeBytes < LEAST_FREE_SHARE * disk.totalBytes;
  if (isShort)
    return problem('disk', text, 'free space, or take less: retention and logs.budget in config/daruma.yaml');
  if (logs.budgetBytes > disk.freeBytes + logs.bytes)
    return warning('disk', `${text}: the logs may grow beyond the disk`, 'a smaller logs.budget in config/daruma.yaml');
  return fine('disk', text);
}

function backup({ backups, now }: MachineFacts): Check {
  const [newest] = backups;
  if (!newest) return warning('backup', 'there is no backup', 'daruma backup now');
  const age = now - Date.parse(newest.at);
  const text = `last backup ${formatDuration(age)} ago`;
  if (age > BACKUP_AGE_MS) return warning('backup', text, 'daruma backup now; daruma why backup');
  if (newest.verifiedAt === null)
    return warning('backup', `${text}, not read back`, `daruma backup verify backups/${newest.file}`);
  return fine('backup', `${text}, read back ${formatDuration(now - Date.parse(newest.verifiedAt))} ago`);
}

function permissions({ openToOthers }: MachineFacts): Check[] {
  if (openToOthers.length === 0)
    return [fine('permissions', 'no other user may write the folder or read data/ and .env')];
  return openToOthers.map(({ path, may }) =>
    may === 'write'
      ? problem('permissions', `every user of this machine may write ${path}`, `chmod -R o-w ${path}`)
      : warning('permissions', `every user of this machine may read ${path}`, `chmod -R o-rwx ${path}`),
  );
}

function files({ files: { open, most } }: MachineFacts): Check {
  const text = open === null ? `${most} files may be open` : `${open} of ${most} files open`;
  if (open !== null && open > 0.8 * most) return problem('files', text, 'ulimit -n 65536; daruma logs --grep EMFILE');
  return most < FEW_FILES ? warning('files', text, 'ulimit -n 65536 (LimitNOFILE= in a unit)') : fine('files', text);
}

function watches({ watchFault }: MachineFacts): Check {
  return watchFault === undefined
    ? fine('watches', 'plugins/ can be watched')
    : problem(
        'watches',
        `saved files are not noticed at once: ${watchFault}`,
        'sysctl fs.inotify.max_user_watches=524288',
      );
}
