import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { proveStore } from '../../src/store/open.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA } from '../../src/store/sqlite/inside/schema.ts';

const INSERT = `INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, result)
  VALUES ('writer', 'done', 'manual', 0, 1, 5, 5, 0, 0, hex(randomblob(400)))`;

/** A store of today's schema with so many jobs. */
export function makeStore(file: string, jobs: number): void {
  mkdirSync(dirname(file), { recursive: true });
  const store = new DatabaseSync(file);
  store.exec('PRAGMA journal_mode = WAL');
  for (const step of MIGRATIONS) store.exec(step);
  store.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA}`);
  store.exec('BEGIN');
  const insert = store.prepare(INSERT);
  for (let job = 0; job < jobs; job++) insert.run();
  store.exec('COMMIT');
  store.close();
}

/** How many jobs are in a store, which is whole. */
export function countJobs(file: string): number {
  return proveStore({ file }).jobs;
}

/**
 * Another process that adds jobs to the store, each in a commit of its own, until the test is over. Resolves once it
 * is writing; `stop` kills it in the middle, and tells how many it had added.
 */
export async function startWriter(file: string): Promise<{ stop(): Promise<number> }> {
  const code = `
    const { DatabaseSync } = require('node:sqlite');
    const store = new DatabaseSync(process.argv[1], { timeout: 5000 });
    store.exec('PRAGMA synchronous = FULL');
    const insert = store.prepare(${JSON.stringify(INSERT)});
    for (let added = 1; ; added++) {
      insert.run();
      if (added % 20 === 0) require('node:fs').writeSync(1, added + '\\n');
    }`;
  const writer: ChildProcess = spawn(process.execPath, ['-e', code, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const stop = async () => {
    writer.kill('SIGKILL');
    await exited;
    return added;
  };
  onTestFinished(async () => void (await stop()));
  let added = 0;
  const lines = createInterface({ input: writer.stdout! });
  lines.on('line', (line) => {
    added = Number(line);
  });
  await once(lines, 'line');
  return { stop };
}
