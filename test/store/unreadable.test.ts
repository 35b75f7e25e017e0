import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { isInstant } from '../../src/kernel/instant.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { machineTime } from '../../src/kernel/time.ts';
import type { Store } from '../../src/store/ports.ts';
import { RULES } from '../../src/store/sqlite/inside/aside/rules.ts';
import { openReadOnly } from '../../src/store/sqlite/read-only.ts';
import { createSqliteStore } from '../../src/store/sqlite/store.ts';
import { afterThisTest, cleaningUp, folder, storeAt } from './folder.ts';
import { added, claimed, failed, HOST, HOUR, job, LEASE, T0 } from './laws/world.ts';

cleaningUp();

/** A clock that shows T0. */
const DAY = '2026-11-24';
const AT_T0 = { ...machineTime, now: () => T0, monotonic: () => 0 };

/** As an older version left them, or a disk, or somebody with SQL: integers that JavaScript cannot read, and those that no Date has. */
const INTEGERS = [
  '9223372036854775807',
  '-9223372036854775808',
  '9007199254740993',
  '9007199254740991',
  '8640000000000001',
  '-1e15',
].map((text) => (text === '-1e15' ? '-1000000000000000' : text));
const TEXTS = [`'no JSON'`, `'[]'`, `'{}'`, `'5'`, `''`, `char(0)`];

/** Rows in every table: those of agent `a` are to be spoilt, those of `b` are its neighbour's. */
async function lived(store: Store): Promise<void> {
  for (const agent of ['a', 'b']) {
    await added(store, [{ agent }, { agent }, { agent }, { agent, priority: 5 }]);
    const [one, two] = await claimed(store, 2, T0, agent);
    await store.settle([failed(one!, { state: 'retrying', inMs: HOUR }), failed(two!)]);
    const [three] = await claimed(store, 1, T0, agent);
    await store.beginEffect(three!, 'k');
    await store.endEffect(three!, 'k', '1');
    await store.setState(agent, 'k', '1');
    await store.pause(agent, HOUR);
    await store.plan([{ agent, due: T0 + HOUR }]);
    await store.decide([{ agent, due: T0, state: 'missed' }]);
    await store.append([{ at: T0, kind: 'k', agent, message: 'm', data: { x: 1 } }]);
    const incident = {
      agent,
      verdict: 'late',
      state: 'open',
      openedAt: T0,
      endedAt: null,
      fingerprint: `f-${agent}`,
    } as const;
    const record = {
      seen: 's',
      version: null,
      jobs: [],
      remedies: [],
      timeline: [],
      evidence: null,
      repeats: 0,
      note: null,
    };
    await store.openIncident({ ...incident, ...record }, LEASE);
    await store.recordRemedy(`f-${agent}`, 'retry', true);
    const held = { agent, since: T0, incident: 'inc-1', probes: 1, nextProbeAt: T0, fingerprint: 'f' };
    await store.putQuarantine(held, HOST);
    await store.muteCause(`f-${agent}`, HOUR);
    await store.putHeartbeats([{ kind: 'run', name: agent, at: T0 }]);
    await store.putMetrics([{ agent, name: 'x', labels: '', at: T0, value: { kind: 'counter', sum: 1 } }]);
    await store.putFinding({ kind: 'diagnosis', key: `f-${agent}`, at: T0, record: { cause: 'a leak' } });
    const trouble = {
      title: 't',
      seen: 's',
      done: [],
      left: 'l',
      next: 'n',
      culprit: null,
      incident: null,
      parent: null,
    };
    const alert = {
      fingerprint: 'f',
      severity: 'open',
      state: 'over',
      ending: 'healed',
      returns: 0,
      quietUntil: null,
    } as const;
    await store.putAlerts([{ id: `al-${agent}`, agent, since: T0, endedAt: T0, ...trouble, ...alert, steps: [] }]);
    await store.startWindow({ agent, forMs: HOUR, note: null });
    const spent = { calls: 1, promptTokens: 2, completionTokens: 3, micros: 4, failedTries: 0, unpricedTokens: 0 };
    await store.putSpend(
      [{ day: DAY, agent, rung: 'groq', ...spent }],
      [{ day: DAY, agent, calls: 2, tokens: 9, micros: 9 }],
    );
    await store.addUsage([{ day: DAY, agent, heapKbs: 1, nativeKbs: 2, childrenKbs: 3, cpuMs: 4, diskBytes: 5 }]);
    const set = { states: ['dead' as const], agent };
    const order = { act: 'replay' as const, set, isNamed: true, reason: null, withStale: false };
    await store.addBatch(order, [two!.job]);
  }
}

/** Everything that is ever asked of a store, of the neighbour where an agent is named. */
async function everyRead(store: Store): Promise<unknown[]> {
  const jobs = await store.list({ limit: 100 });
  for (const { queuedAt, runAt, staleAt, slot, startedAt, finishedAt } of jobs) {
    for (const at of [queuedAt, runAt, staleAt, slot, startedAt, finishedAt]) {
      expect(at === null || isInstant(at)).toBe(true);
    }
  }
  const asked = [
    store.claim(
      [
        { agent: 'a', version: 'v', limit: 9 },
        { agent: 'b', version: 'v', limit: 9 },
      ],
      LEASE,
    ),
    store.abandoned({ host: 'nobody', run: '1' }),
    store.waiting(),
    store.backlog(),
    store.overview(),
    store.runs(['a'], 10),
    store.deadByCause(),
    store.paused(),
    store.dueSlots(T0 + HOUR, 100),
    store.newestSlots(),
    store.nextSlots(),
    store.slots({ from: T0 - HOUR, to: T0 + 2 * HOUR }),
    store.incidents({ limit: 100 }),
    store.quarantines(),
    store.mutes(),
    store.heartbeats(),
    store.findings({ kind: 'diagnosis', limit: 9 }),
    store.alerts({ limit: 9 }),
    store.windows(),
    store.spendRows({ from: DAY, to: DAY }),
    store.spendAhead(),
    store.usageRows({ from: DAY, to: DAY }),
    store.aggregates({ span: 'minute', from: T0 - HOUR, to: T0 + HOUR }),
    store.aggregateSums({ span: 'minute', from: T0 - HOUR, to: T0 + HOUR }),
    store.metrics({ span: 'hour', from: T0 - HOUR, to: T0 + HOUR }),
    store.remedyRecords('f-a'),
    store.batches({ limit: 10 }),
    store.batchItems('batch-1', { limit: 10 }),
    store.stepBatch('batch-1', { most: 10, staleAfterMs: {} }),
    store.events({ limit: 100 }),
    store.agentFigures(T0 - HOUR, T0 + HOUR),
    store.hourFigures(T0 - HOUR, T0 + HOUR),
    store.slotFigures(T0 - HOUR, T0 + HOUR),
    store.stateEntries('a'),
    store.health(),
  ];
  return Promise.all([
    ...asked,
    ...jobs.flatMap(({ id }) => [store.get(id), store.effectsOf(id), store.ancestors(id)]),
  ]);
}

function sql(file: string, ...texts: string[]): void {
  const db = new DatabaseSync(file);
  for (const text of texts) db.exec(text);
  db.close();
}

/** Every column with a rule, and a row of agent `a` in its table. */
const PLACES = Object.entries(RULES).flatMap(([table, { required, mended }]) =>
  Object.keys({ ...required, ...mended }).map((column) => ({ table, column })),
);
const OF_A: Record<string, string> = {
  effect: `job IN (SELECT id FROM job WHERE agent = 'a')`,
  aggregate_past: 'true',
  batch: 'id = 1',
  batch_item: 'batch = 1',
  heartbeat: `name = 'a'`,
  finding: `key = 'f-a'`,
  model_spend: `agent = 'a'`,
  model_ahead: `agent = 'a'`,
  agent_usage: `agent = 'a'`,
  queue_hour: 'true',
  metric_points: 'series = 1',
  metric_rolled: 'true',
  remedy: `fingerprint = 'f-a'`,
  mute: `fingerprint = 'f-a'`,
};

/** Writes a value into a column of the rows of agent `a`; returns in how many. */
function spoil(file: string, table: string, column: string, value: string): number {
  const db = new DatabaseSync(file);
  const where = OF_A[table] ?? `agent = 'a'`;
  const { changes } = db.prepare(`UPDATE OR IGNORE ${table} SET "${column}" = ${value} WHERE ${where}`).run();
  db.close();
  return Number(changes);
}

let template: string;
beforeAll(async () => {
  template = join(mkdtempSync(join(tmpdir(), 'daruma-store-')), 'store.db');
  const store = createSqliteStore({ time: AT_T0, log: silentLog }, { file: template });
  await store.start();
  await lived(store);
  await store.stop();
});
afterAll(() => rmSync(dirname(template), { recursive: true, force: true }));

/** A store that has lived, in a folder of its own. */
function copyOfTemplate(): string {
  const file = join(mkdtempSync(join(tmpdir(), 'daruma-store-')), 'store.db');
  copyFileSync(template, file);
  return file;
}

const isText = (table: string, column: string) =>
  ['error', 'fault', 'data', 'record', 'state'].includes(column) && table !== 'state';

describe('a row that cannot be read', () => {
  test.each(Object.keys(RULES))(
    'of the table %s is set aside when somebody meets it, whichever column it is, and everybody is served',
    async (table) => {
      const file = copyOfTemplate();
      afterThisTest(() => rmSync(dirname(file), { recursive: true, force: true }));
      let count = 0;
      const store = createSqliteStore({ time: AT_T0, log: silentLog, setAside: (rows) => (count += rows) }, { file });
      afterThisTest(() => store.stop());
      await store.start();
      const ofB = (await store.list({ agent: 'b', limit: 100 })).map(({ id }) => id);
      const known = new Set<number>();
      for (const { column } of PLACES.filter((place) => place.table === table)) {
        const value = isText(table, column) ? `'no JSON'` : INTEGERS[0]!;
        if (spoil(file, table, column, value) === 0) continue;
        await everyRead(store);
        await store.setAside();
        const fresh = (await store.asides({ limit: 100 })).filter(({ id }) => !known.has(id));
        expect(fresh.length, column).toBeGreaterThan(0);
        for (const aside of fresh) {
          expect(aside).toMatchObject({ source: table, why: expect.stringContaining(column) });
          expect(aside.content).toContain(value.replaceAll("'", ''));
          known.add(aside.id);
        }
        expect(await store.unreadable()).toEqual([]);
      }
      expect((await store.list({ agent: 'b', limit: 100 })).map(({ id }) => id)).toEqual(ofB);
      expect(count).toBeLessThanOrEqual(known.size);
    },
  );

  test.each(['allowed', 'attempt'])(
    'whose %s is so large that a sum has no integer is met by the call that adds',
    async (column) => {
      const file = copyOfTemplate();
      afterThisTest(() => rmSync(dirname(file), { recursive: true, force: true }));
      const store = createSqliteStore({ time: AT_T0, log: silentLog }, { file });
      afterThisTest(() => store.stop());
      await store.start();
      spoil(file, 'job', column, '9223372036854775807');
      await everyRead(store);
      await store.setAside();
      expect(await store.unreadable()).toEqual([]);
    },
  );

  test('is met and set aside by calls of one commit: the call that met it is answered', async () => {
    const file = copyOfTemplate();
    afterThisTest(() => rmSync(dirname(file), { recursive: true, force: true }));
    const store = createSqliteStore({ time: AT_T0, log: silentLog }, { file });
    afterThisTest(() => store.stop());
    await store.start();
    spoil(file, 'heartbeat', 'at', INTEGERS[2]!);
    // Calls of one turn travel together.
    const [heartbeats, count] = await Promise.all([store.heartbeats(), store.setAside()]);
    expect(heartbeats).toMatchObject([{ name: 'b' }]);
    expect(count).toBe(1);
  });

  test('whatever stands in it, in any table: all calls are answered, nothing is lost, the file is whole', async () => {
    const spoilt = fc.record({
      place: fc.constantFrom(...PLACES),
      integer: fc.oneof(
        fc.constantFrom(...INTEGERS),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
      ),
      text: fc.constantFrom(...TEXTS),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(spoilt, { minLength: 1, maxLength: 4 }), async (spoils) => {
        const file = copyOfTemplate();
        const store = createSqliteStore({ time: AT_T0, log: silentLog }, { file });
        try {
          for (const { place, integer, text } of spoils) {
            const value = isText(place.table, place.column) ? text : integer;
            spoil(file, place.table, place.column, value);
          }
          const reads = openReadOnly(file);
          await Promise.all([
            reads.list({ limit: 100 }),
            reads.overview(),
            reads.paused(),
            reads.incidents({ limit: 9 }),
            reads.events({ limit: 9 }),
          ]);
          reads.close();
          await store.start();
          await everyRead(store);
          await store.setAside();
          expect(await store.unreadable()).toEqual([]);
          const jobs = await store.list({ limit: 100 });
          expect(jobs.filter(({ agent }) => agent === 'b')).toHaveLength(4);
          expect((await store.health({ thorough: true })).detail).toBeNull();
        } finally {
          await store.stop();
          rmSync(dirname(file), { recursive: true, force: true });
        }
      }),
      { numRuns: 8 },
    );
  });

  test('a job that waited is a dead letter with the reason, keeps its number, and runs again when it is told to', async () => {
    const file = join(folder(), 'store.db');
    const store = storeAt(file);
    await store.start();
    const [one] = await added(store, [{}]);
    sql(file, `UPDATE job SET run_at = 1795736000000000000`);
    expect(await store.get(one!)).toMatchObject({ state: 'dead', error: { code: 'ROW_UNREADABLE' } });
    expect(await added(store, [{}])).not.toContain(one);
    expect(await store.asides({ limit: 9 })).toMatchObject([
      {
        source: 'job',
        name: one,
        agent: 'a',
        why: 'run_at 1795736000000000000',
        content: expect.stringContaining('1795736000000000000'),
      },
    ]);
    expect(await store.redrive([one!])).toEqual([one]);
    expect((await claimed(store)).map(({ job: id }) => id)).toContain(one);
  });

  test('a pause whose end is none goes on until somebody resumes, an effect that was done is never done again', async () => {
    const file = join(folder(), 'store.db');
    const store = storeAt(file);
    await store.start();
    const { since } = await store.pause('a', HOUR);
    await store.add([job()]);
    const [taken] = await claimed(store);
    await store.beginEffect(taken!, 'k');
    await store.endEffect(taken!, 'k', '7');
    sql(file, 'UPDATE pause SET until = 86401795652206944', 'UPDATE effect SET ended_at = 9223372036854775807');
    expect(await store.paused()).toEqual([{ agent: 'a', since, until: null }]);
    expect(await store.beginEffect(taken!, 'k')).toMatchObject({ is: 'done', result: '7' });
  });

  test('a time that JavaScript can read and no Date has is one of them', async () => {
    const file = join(folder(), 'store.db');
    const store = storeAt(file);
    await store.start();
    const [one] = await added(store, [{}]);
    sql(file, 'UPDATE job SET run_at = 8812800000000000');
    expect(await store.list({ limit: 9 })).toMatchObject([{ id: one, state: 'dead' }]);
  });

  test('is told once, and goes with the events of its time', async () => {
    const file = join(folder(), 'store.db');
    const store = storeAt(file);
    await store.start();
    await store.pause('a', null);
    sql(file, 'UPDATE pause SET until = 9223372036854775807');
    await store.setAside();
    const [aside] = await store.asides({ unreported: true, limit: 9 });
    await store.asidesReported([aside!.id]);
    expect(await store.asides({ unreported: true, limit: 9 })).toEqual([]);
    expect(await store.asides({ limit: 9 })).toHaveLength(1);
    await store.prune({ jobs: T0, slots: T0, events: aside!.at + 1 }, 100);
    expect(await store.asides({ limit: 9 })).toEqual([]);
  });

  test('a table or an index that is gone is made anew, told, and missed by nobody', async () => {
    const file = copyOfTemplate();
    afterThisTest(() => rmSync(dirname(file), { recursive: true, force: true }));
    sql(file, 'DROP TABLE pause', 'DROP INDEX job_ready');
    const reads = openReadOnly(file);
    expect(await reads.paused()).toEqual([]);
    expect(await reads.list({ limit: 100 })).toHaveLength(8);
    reads.close();
    const store = storeAt(file);
    await store.start();
    expect(await store.paused()).toEqual([]);
    expect((await store.waiting()).length).toBeGreaterThan(0);
    expect(await store.asides({ unreported: true, limit: 9 })).toMatchObject([{ source: 'schema', name: 'pause' }]);
  });

  test('leaves no copy behind when a store is only looked at, and the store as it was', async () => {
    const file = join(folder(), 'store.db');
    const store = storeAt(file);
    await store.start();
    await added(store, [{}, { agent: 'b' }]);
    await store.stop();
    sql(file, `UPDATE job SET run_at = 9223372036854775807 WHERE agent = 'a'`);
    // A place of its own: other processes make and remove such copies at the same time.
    const place = folder();
    vi.stubEnv('TMPDIR', place);
    onTestFinished(() => void vi.unstubAllEnvs());
    const reads = openReadOnly(file);
    expect((await reads.list({ limit: 9 })).map(({ agent, state }) => [agent, state])).toEqual([
      ['b', 'queued'],
      ['a', 'dead'],
    ]);
    expect(readdirSync(place)).toEqual([expect.stringMatching(/^daruma-read-/)]);
    reads.close();
    expect(readdirSync(place)).toEqual([]);
    const again = openReadOnly(file);
    expect(await again.unreadable()).toHaveLength(1);
    again.close();
  });
});
