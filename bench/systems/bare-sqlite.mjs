/** The yardstick: bare node:sqlite in one thread, three durable writes a job (add, claim, end) in groups: `node bare-sqlite.mjs <jobs> <group>`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

const [jobs, group] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'bench-sqlite-'));
const db = new DatabaseSync(join(folder, 'jobs.db'));
db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT NOT NULL, input TEXT, result TEXT, at INTEGER);
  CREATE INDEX ready ON job (id) WHERE state = 'queued'`);
const add = db.prepare("INSERT INTO job (state, input, at) VALUES ('queued', '{}', 1)");
const claim = db.prepare(
  "UPDATE job SET state = 'running' WHERE id IN (SELECT id FROM job WHERE state = 'queued' ORDER BY id LIMIT ?) RETURNING id",
);
const end = db.prepare("UPDATE job SET state = 'done', result = 'null' WHERE id = ?");

function drive(count) {
  for (let done = 0; done < count; ) done += once();
}

/** One group. */
function once() {
  db.exec('BEGIN IMMEDIATE');
  for (let index = 0; index < group; index++) add.run();
  db.exec('COMMIT');
  db.exec('BEGIN IMMEDIATE');
  const taken = claim.all(group);
  db.exec('COMMIT');
  db.exec('BEGIN IMMEDIATE');
  for (const { id } of taken) end.run(id);
  db.exec('COMMIT');
  return taken.length;
}

// Each system has half as many jobs before, so that V8 has compiled what is hot.
drive(jobs / 2);
const begun = performance.now();
const before = process.cpuUsage();
drive(jobs);
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(before);
const threads = { 'store thread': (user + system) / 1e6 };
console.log(JSON.stringify({ jobs, seconds, jobsPerSecond: jobs / seconds, threads }));
db.close();
rmSync(folder, { recursive: true });
