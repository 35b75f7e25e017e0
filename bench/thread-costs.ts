import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of processor time by kind of thread. */
export type ThreadCosts = Record<string, number>;

/** The threads of a process and of all below it, by kind: seconds of processor time that they have had. Empty where there is no /proc. */
export function threadCosts(pid = process.pid): ThreadCosts {
  const costs: ThreadCosts = {};
  for (const [own, command] of processesFrom(pid)) {
    const isCell = command.includes('workers/inside/cell.js');
    const where = own === pid ? 'host' : isCell ? 'cell' : 'other processes';
    for (const task of listOf(`/proc/${own}/task`)) {
      const name = textOf(`/proc/${own}/task/${task}/comm`).trim();
      const kind = kindOf(where, name);
      costs[kind] = (costs[kind] ?? 0) + Number(textOf(`/proc/${own}/task/${task}/schedstat`).split(' ')[0]) / 1e9;
    }
  }
  return costs;
}

/** What each kind of thread had between two looks. */
export function costsBetween(before: ThreadCosts, after: ThreadCosts): ThreadCosts {
  return Object.fromEntries(Object.entries(after).map(([kind, seconds]) => [kind, seconds - (before[kind] ?? 0)]));
}

function kindOf(where: string, name: string): string {
  if (where === 'other processes') return where;
  if (name.startsWith('store')) return 'store thread';
  if (name.startsWith('worker-')) return 'worker threads';
  return name === 'node-MainThread' ? `${where}, main thread` : `${where}, threads of V8 and Node`;
}

function* processesFrom(pid: number): Generator<[number, string]> {
  yield [pid, textOf(`/proc/${pid}/cmdline`)];
  for (const task of listOf(`/proc/${pid}/task`)) {
    for (const child of textOf(`/proc/${pid}/task/${task}/children`).split(' '))
      if (child) yield* processesFrom(Number(child));
  }
}

function listOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for a thread that has ended meanwhile. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
