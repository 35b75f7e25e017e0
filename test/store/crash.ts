import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./busy-child.ts', import.meta.url));

/** What a store's user was told before it was killed. */
export interface Told {
  /** Ids of jobs that were accepted. */
  added: Set<string>;
  /** Ids of jobs whose end was written down. */
  done: Set<string>;
}

/**
 * Runs a process that adds, claims and ends jobs as fast as it can, and kills it (SIGKILL) as soon as it has told of `after`
 * things. Resolves with all that it had told by then.
 */
export async function killedWhileBusy(file: string, after: number): Promise<Told> {
  const child = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const told: Told = { added: new Set(), done: new Set() };
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) (line[0] === 'A' ? told.added : told.done).add(line.slice(2));
    if (told.added.size + told.done.size >= after) child.kill('SIGKILL');
  });
  const [code, signal] = await once(child, 'close');
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself (${code ?? signal})`);
  return told;
}

/** Looks into the file itself: every job by id. Throws when SQLite finds damage. */
export function jobsIn(file: string): Map<string, string> {
  const db = new DatabaseSync(file);
  try {
    const [check] = db.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
    if (check!.integrity_check !== 'ok') throw new Error(`damaged: ${check!.integrity_check}`);
    const rows = db.prepare('SELECT id, state FROM job').all() as { id: number; state: string }[];
    return new Map(rows.map(({ id, state }) => [`job-${id.toString(36)}`, state]));
  } finally {
    db.close();
  }
}

/** What was told and is not there: has to be empty. */
export function lost(told: Told, file: string): string[] {
  const jobs = jobsIn(file);
  return [
    ...[...told.added].filter((id) => !jobs.has(id)).map((id) => `${id} was accepted and is gone`),
    ...[...told.done].filter((id) => jobs.get(id) !== 'done').map((id) => `${id} was done and is ${jobs.get(id)}`),
  ];
}
