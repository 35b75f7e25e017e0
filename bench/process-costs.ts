import { readdirSync, readFileSync } from 'node:fs';

const MS_PER_TICK = 10;

/** Of a thousand agents: 5 % every minute, 20 % every ten minutes, half every hour, the rest once a day. */
export function scheduleOf(index: number, count: number): string {
  const share = index / count;
  if (count <= 20 || share >= 0.75) return '30 4 * * *';
  if (share < 0.05) return '* * * * *';
  if (share < 0.25) return `${index % 10}-59/10 * * * *`;
  return `${index % 60} * * * *`;
}

interface Cost {
  name: string;
  rssMb: number;
  pssMb: number;
  cpuMs: number;
}

/** Memory and processor time so far of a process and all below it, by pid. */
export function costs(root: number): Map<number, Cost> {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = read(`/proc/${entry}/stat`);
    if (stat) parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid)!));
  const found = new Map<number, Cost>();
  for (const pid of parents.keys()) {
    if (!isBelow(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    const sizes = read(`/proc/${pid}/smaps_rollup`);
    if (!stat || !sizes) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const kb = (what: string) => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(sizes)?.[1] ?? 0);
    const command = read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
    const name = pid === root ? 'guardian' : command.includes('inside/cell') ? 'cell' : 'host';
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    found.set(pid, { name, rssMb: kb('Rss') / 1024, pssMb: kb('Pss') / 1024, cpuMs });
  }
  return found;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
