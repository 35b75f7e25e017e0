import { readdir, readFile } from 'node:fs/promises';
import { z } from 'daruma';

/** A lock of a restic repository, as `restic cat lock` prints it. */
export const lockSchema = z.object({
  time: z.iso.datetime({ offset: true }),
  hostname: z.string(),
  pid: z.int().min(1),
  username: z.string().default(''),
});

type Lock = z.output<typeof lockSchema>;

/** A process of this machine. */
export interface Seen {
  /** Its pid in each namespace that it is in: a command behind a fence knows itself by the last one. */
  pids: number[];
  /** Epoch ms; within a second. */
  startedAt: number;
}

/** The facts of this machine; `processes` is null where not every process can be seen. */
export interface Machine {
  hostname: string;
  bootedAt: number;
  processes: Seen[] | null;
}

/** Start times are told in whole ticks since a boot that is told in whole seconds. */
const SLACK_MS = 2_000;

/**
 * Whether the process that took a lock is provably gone: the lock is of this machine, and no process that was there when it was taken has that pid, in whatever
 * namespace. A pid that is somebody else's by now began later. A lock of another machine, or of one where not every process can be seen, is never provably stale.
 */
export function isOwnerGone({ hostname, pid, time }: Lock, machine: Machine): boolean {
  if (hostname !== machine.hostname) return false;
  const takenAt = Date.parse(time);
  if (takenAt + SLACK_MS < machine.bootedAt) return true;
  if (machine.processes === null) return false;
  return !machine.processes.some(({ pids, startedAt }) => pids.includes(pid) && startedAt <= takenAt + SLACK_MS);
}

/** This machine, by its /proc. */
export async function thisMachine(proc = '/proc'): Promise<Machine> {
  const hostname = (await readFile(`${proc}/sys/kernel/hostname`, 'utf8')).trim();
  const bootedAt = Number(/^btime (\d+)$/m.exec(await readFile(`${proc}/stat`, 'utf8'))?.[1]) * 1_000;
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name));
  const seen = await Promise.all(pids.map((pid) => seenAt(`${proc}/${pid}`, bootedAt)));
  return {
    hostname,
    bootedAt,
    processes: seen.includes('hidden') ? null : seen.filter((one) => typeof one === 'object'),
  };
}

const MS_PER_TICK = 10;

/** `gone`: it ended meanwhile, or is of the kernel, which runs no program. */
async function seenAt(place: string, bootedAt: number): Promise<Seen | 'gone' | 'hidden'> {
  try {
    const [status, stat] = await Promise.all([readFile(`${place}/status`, 'utf8'), readFile(`${place}/stat`, 'utf8')]);
    if (!/^VmSize:/m.test(status)) return 'gone';
    const pids = (/^NSpid:\s*(.*)$/m.exec(status)?.[1] ?? '').split(/\s+/).map(Number);
    // The name of the program stands in brackets, and may hold any sign.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    return { pids, startedAt: bootedAt + ticks * MS_PER_TICK };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' ? 'gone' : 'hidden';
  }
}
