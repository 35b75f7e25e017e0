import { bootId, readStat } from '../kernel/proc.ts';

/** A process, unmistakable: its id is reused after its end, id and start together never are. */
export interface ProcessRef {
  pid: number;
  /** The start that {@link processStart} gives. */
  start: string;
}

const LINUX = process.platform === 'linux';

/** This process. */
export function thisProcess(): ProcessRef {
  return { pid: process.pid, start: processStart(process.pid) ?? '' };
}

/**
 * When a process started, in words that mean something only beside one another: on Linux the id of this boot and the
 * ticks since then, elsewhere what `ps` says, which is a second exact. Undefined when there is no such process, or it
 * has ended and only its parent has not asked yet.
 */
export function processStart(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (!LINUX) return startByPs(pid);
  const stat = readStat(pid);
  return stat && !stat.isZombie ? `${bootId() ?? 'boot'}:${stat.start}` : undefined;
}

/** Whether that very process is alive, and not a later one with its id. */
export function isAlive({ pid, start }: ProcessRef): boolean {
  return start !== '' && processStart(pid) === start;
}

/**
 * Signals a process whose id was read somewhere, only while the id is still that of this very process. False: the process is
 * gone, or belongs to another user.
 */
export function signalProcess(meant: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isAlive(meant)) return false;
  try {
    return process.kill(meant.pid, signal);
  } catch {
    return false;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
    // A client where /proc says it should not take the time to load the module.
    const { execFileSync } = process.getBuiltinModule('node:child_process');
    const said = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8', env }).trim();
    return said === '' || /^[ZX]/.test(said) ? undefined : said.replace(/^\S+\s+/, '');
  } catch {
    return undefined;
  }
}
