import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectControl } from '../../src/control/client.ts';
import { readHostFile } from '../../src/control/place.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { HANGS_MS } from '../hangs.ts';
import { type Installation, installation, plugin } from './installation.ts';

const MANY = 20_000;
let place: Installation;

/** Dead letters of three agents, as hosts of former days left them. */
async function fillStore(file: string): Promise<void> {
  const store = createSqliteStore({ time: machineTime, log: silentLog }, { file });
  await store.start();
  await store.stop();
  const now = machineTime.now();
  const db = new DatabaseSync(file);
  const insert = `INSERT INTO job (agent, state, trigger, priority, attempt, attempts, allowed, queued_at, run_at, slot, version, owner, started_at, finished_at, cause, error, input)`;
  const dead = (agent: string, at: number, cause: string, n: string) =>
    `SELECT '${agent}', 'dead', 'schedule', 0, 2, 2, 2, ${at}, ${at}, ${at}, 'v1', 'x/y', ${at}, ${at}, '${cause}', '{"code":"ERROR","message":"the server said no"}', '{"n":' || ${n} || '}'`;
  db.exec(`
    BEGIN;
    INSERT INTO queue_hour VALUES (0, 1);
    ${insert} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${MANY}) ${dead('idle', now - 60_000, 'f-many', 'i')} FROM n;
    ${insert} ${dead('report', now - 7_200_000, 'f-few', '1')} UNION ALL ${dead('report', now - 60_000, 'f-few', '2')};
    COMMIT;`);
  db.close();
}

beforeAll(async () => {
  place = installation({
    'plugins/idle.ts': plugin('return 1;'),
    'plugins/report.ts': plugin('return context.job.input;', `limits: { staleAfter: '1h' },`),
    'plugins/slow.ts': plugin(
      `context.log.debug('looked closely'); if (context.job.input?.long) await new Promise((_, no) => context.signal.addEventListener('abort', () => no(context.signal.reason))); return 1;`,
    ),
    'agents/slow.yaml': 'plugin: slow\n',
    'agents/idle.yaml': 'plugin: idle\n',
    'agents/report.yaml': 'plugin: report\n',
  });
  await fillStore(join(place.folder, 'data/daruma.db'));
  await place.start();
  await place.daruma('pause', 'idle');
});
afterAll(() => place?.leave());

it('replays a cause: shows the number first, drops what is stale, and says what came of each job', async () => {
  const { daruma, until } = place;
  const plan = await daruma('replay', '--cause', 'f-few', '--dry-run');
  expect(plan.stdout).toContain('would run again: 2 jobs');
  expect(plan.stdout).toContain('1 of them would be dropped as stale (--stale to include them)');
  expect((await daruma('replay', '--cause', 'f-few', '--json')).json).toMatchObject({
    count: 2,
    stale: 1,
    dryRun: true,
  });
  const { code, json } = await daruma('replay', '--cause', 'f-few', '--yes', '--json');
  expect({ code, json }).toMatchObject({ code: 0, json: { count: 1, stale: 1, failed: 0, dryRun: false } });
  const [replayed] = json.jobs;
  await until(
    () => daruma('jobs', replayed, '--json'),
    (said) => said.json.state === 'done',
  );
  const shown = await daruma('batch', 'show', json.batch, '--json');
  expect(shown.json).toMatchObject({ act: 'replay', state: 'done', total: 2, done: 1, stale: 1, left: 0 });
  expect(shown.json.items.map(({ result, state }: Record<string, string>) => [result, state])).toEqual([
    ['stale', 'cancelled'],
    ['done', 'done'],
  ]);
  expect((await daruma('batch', 'show', json.batch)).stdout).toContain('1 replayed · 1 dropped as stale · 0 failed');
  const stale = await daruma('replay', '--cause', 'f-few');
  expect(stale).toMatchObject({ code: 1, stderr: expect.stringContaining('no dead job has the cause f-few') });
});

it('goes on with a batch after a kill -9 in its middle: every job once, none left out', async () => {
  const { daruma, until, host } = place;
  const asked = daruma('replay', '--agent', 'idle', '--yes', '--json');
  const killed = host()!.pid;
  const id = await whenHalfDone('replay');
  process.kill(killed, 'SIGKILL');
  expect((await asked).code).not.toBe(0);
  const ended = await until(
    () => daruma('batch', 'show', id, '--limit', '1', '--json'),
    ({ code, json }) => code === 0 && json.state === 'done',
  );
  expect(ended.json).toMatchObject({ total: MANY, done: MANY, gone: 0, stale: 0, failed: 0, left: 0 });
  expect(host()!.pid).not.toBe(killed);
  const db = new DatabaseSync(join(place.folder, 'data/daruma.db'), { readOnly: true });
  const rows = db.prepare(
    `SELECT state, attempt, attempts, priority, count(*) AS n FROM job WHERE agent = 'idle' GROUP BY 1, 2, 3, 4`,
  );
  expect(rows.all().map((row) => ({ ...row }))).toEqual([
    { state: 'queued', attempt: 2, attempts: 4, priority: -1, n: MANY },
  ]);
  db.close();
  const [event] = (await daruma('jobs', 'idle', '--state', 'dead', '--json')).json;
  expect(event).toBeUndefined();
});

/** The id of the batch that has begun; read from the store each few ms, because a command may take longer than the batch. */
async function whenHalfDone(act: string): Promise<string> {
  const db = new DatabaseSync(join(place.folder, 'data/daruma.db'), { readOnly: true });
  const newest = db.prepare('SELECT id, state, done FROM batch WHERE act = ? AND total > 2 ORDER BY id DESC LIMIT 1');
  try {
    const row = await place.until(
      async () => newest.get(act) as { id: number; state: string; done: number } | undefined,
      (row) => row !== undefined && row.done > 0,
      HANGS_MS,
      2,
    );
    expect(row).toMatchObject({ state: 'working' });
    return `batch-${row!.id}`;
  } finally {
    db.close();
  }
}

it('is ended where it is by a person, and cancels jobs that wait', async () => {
  const { daruma } = place;
  const person = await connectControl(readHostFile(place.folder)!.socket);
  const asked = daruma('cancel', '--agent', 'idle', '--state', 'queued', '--yes', '--json');
  const cancelled = await person.ask('batchCancel', { id: await whenHalfDone('cancel') });
  person.close();
  expect(cancelled).toMatchObject({ state: 'cancelled', total: MANY });
  expect(cancelled.done + cancelled.left).toBe(MANY);
  expect((await asked).json).toMatchObject({ count: cancelled.done, batch: cancelled.id });
  expect(await daruma('batch', 'cancel', cancelled.id)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is cancelled already'),
  });
  const left = await daruma('cancel', '--agent', 'idle', '--dry-run', '--json');
  expect(left.json.count).toBe(MANY - cancelled.done);
});

it('gives an agent new workers: after its job, or at once, which costs the job no attempt', async () => {
  const { daruma, until } = place;
  expect(await daruma('restart', 'report')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no worker now'),
  });
  expect((await daruma('restart', 'nobody')).stderr).toContain('there is no agent nobody');
  const { json: job } = await daruma('run', 'slow', '--input', '{"long":true}', '--json');
  const state = async () => (await daruma('jobs', job.id, '--json')).json;
  await until(state, (one) => one.state === 'running');
  const later = await daruma('restart', 'slow', '--json');
  expect(later.json).toMatchObject({ agent: 'slow', jobs: [job.id], now: false });
  const [worker] = later.json.workers;
  const now = await daruma('restart', 'slow', '--now', '--json');
  expect(now.json).toMatchObject({ workers: [worker], jobs: [job.id], now: true });
  const again = await until(
    async () => (await daruma('status', 'slow', '--json')).json.agents[0],
    ({ workers }) => workers.now > 0,
  );
  expect(again.state).not.toBe('quarantined');
  const running = await until(state, (one) => one.state === 'running');
  expect(running).toMatchObject({ attempt: 1, failures: [] });
  await daruma('cancel', job.id);
  expect((await daruma('incidents', '--json')).json.filter(({ agent }: { agent: string }) => agent === 'slow')).toEqual(
    [],
  );
});

it('runs a job with debug lines in its log, and the next one without', async () => {
  const { daruma } = place;
  await daruma('run', 'slow', '--debug', '--wait');
  await daruma('run', 'slow', '--wait');
  const lines = await daruma('logs', 'slow', '--json');
  expect(lines.stdout.match(/looked closely/g)).toHaveLength(1);
});
