import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkerReading } from '../../src/workers/ports.ts';
import { HOUR, MINUTE, quiet, T0, type World, world } from './world.ts';

let at: World;
beforeEach(async () => {
  at = await world();
});
afterEach(async () => {
  await at.healer.stop();
  expect(at.clock.timers()).toBe(0);
});

describe('one trouble', () => {
  it('is one incident, told once, with what was done, and healed by the next real job', async () => {
    at.end('a', 'OUT_OF_MEMORY');
    at.settle('a', 'retrying', { job: 'job-1', error: { code: 'OUT_OF_MEMORY', message: '' }, startedAt: T0 - 5 });
    await at.clock.pass(2_000);
    expect(at.incident()).toMatchObject({
      agent: 'a',
      verdict: 'out-of-memory',
      state: 'open',
      jobs: ['job-1'],
      repeats: 0,
    });
    expect(at.incident().remedies).toMatchObject([{ kind: 'retry', held: null }]);
    at.settle('a', 'done', { job: 'job-1' });
    await quiet();
    expect(at.incident()).toMatchObject({
      state: 'healed',
      endedAt: T0 + 2_000,
      remedies: [{ kind: 'retry', by: 'jobs', held: true }],
    });
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.incidentStore.written.map(({ kind }) => kind)).toEqual([
      'incident.opened',
      'incident.remedied',
      'incident.healed',
    ]);
    expect(at.told('incident.healed')[0]!.message).toMatch(
      /inc-1 healed after 2.0s: a was out of memory .*; a clean worker .*; job-1 of a was done/,
    );
    expect([...at.incidentStore.remedyStats.values()]).toMatchObject([{ kind: 'retry', tried: 1, held: 1 }]);
    expect(at.healer.open()).toEqual([]);
  });

  it('is not proven by a job that had begun before, by another agent, or by a failure', async () => {
    await at.clock.pass(1_000);
    at.end('a', 'SILENT');
    await at.clock.pass(1_000);
    at.settle('a', 'done', { startedAt: T0 });
    at.settle('b', 'done');
    at.settle('a', 'dead', { error: { code: 'ERROR', message: 'the API is down' } });
    await quiet();
    expect(at.incident().state).toBe('open');
    expect(at.incidentStore.kept.size).toBe(1);
  });

  it('that comes again moves up the ladder, and asks somebody at its end, once', async () => {
    for (let round = 0; round < 6; round++) {
      at.end('a', 'OVER_LIMIT', { message: `the worker held ${200 + round} MB`, version: 'older' });
      await at.clock.pass(MINUTE);
    }
    const { remedies, repeats, state } = at.incident();
    expect(at.incidentStore.kept.size).toBe(1);
    expect({ repeats, state }).toEqual({ repeats: 5, state: 'escalated' });
    expect(remedies.map(({ held }) => held)).toEqual([false, false, false, false, false, null]);
    expect(at.told('incident.escalated')).toHaveLength(1);
    expect(at.told('incident.escalated')[0]!.data).toMatchObject({ evidence: { fault: { code: 'OVER_LIMIT' } } });
    at.settle('a', 'done');
    await quiet();
    expect(at.incident().state).toBe('healed');
  });

  it('gives the agent a cell of its own when a retry did not hold, and begins there the next time', async () => {
    for (let incident = 0; incident < 3; incident++) {
      at.end('a', 'OUT_OF_MEMORY', { version: 'older' });
      await at.clock.pass(1_000);
      at.end('a', 'OUT_OF_MEMORY', { version: 'older' });
      await at.clock.pass(1_000);
      at.settle('a', 'done');
      await at.clock.pass(10 * HOUR);
    }
    expect(at.asked.filter((what) => what === 'ownCell a')).toHaveLength(3);
    at.end('a', 'OUT_OF_MEMORY', { version: 'older' });
    await quiet();
    expect(at.incident('inc-4').remedies).toMatchObject([{ kind: 'own-cell', held: null }]);
  });

  it('of a plugin that heeded its signal is seen by the end of its attempt alone', async () => {
    at.settle('a', 'retrying', { job: 'job-7', error: { code: 'TIMEOUT', message: 'too long' }, worker: 'w3' });
    await quiet();
    expect(at.incident()).toMatchObject({ verdict: 'stuck', jobs: ['job-7'], seen: 'w3: too long' });
  });

  it('is none when somebody asked for the end, or when a neighbour took an idle worker down', async () => {
    for (const code of ['CANCELLED', 'LEASE_LOST', 'HOST_STOPPED']) at.end('a', code);
    at.end('a', 'CELL_LOST', { job: null });
    await quiet();
    expect(at.incidentStore.kept.size).toBe(0);
  });
});

describe('escalation', () => {
  it('asks about the fourth incident of a day, and at most five times a day in all, also over a restart', async () => {
    for (let round = 0; round < 4; round++) {
      at.end('a', 'SILENT');
      await at.clock.pass(MINUTE);
      at.settle('a', 'done');
      await at.clock.pass(20 * MINUTE);
    }
    expect(at.told('incident.escalated')).toHaveLength(1);
    for (let kind = 0; kind < 4; kind++) at.end('a', `STRANGE_${kind}`, { version: 'older' });
    await at.clock.pass(MINUTE);
    await at.restart();
    for (let kind = 4; kind < 9; kind++) at.end('b', `STRANGE_${kind}`, { version: 'older' });
    await quiet();
    expect(at.told('incident.escalated')).toHaveLength(5);
    expect(at.incident()).toMatchObject({ state: 'open' });
    expect(at.incident().timeline.at(-1)!.text).toContain('nobody was asked');
  });
});

describe('a crash loop', () => {
  async function loop(agent = 'a') {
    for (let crash = 1; crash <= 5; crash++) {
      at.end(agent, 'CRASHED', { message: 'prices is not iterable', job: { job: `job-${crash}`, attempt: 1 } });
      at.settle(agent, 'retrying', {
        job: `job-${crash}`,
        startedAt: at.clock.wall - 1,
        error: { code: 'CRASHED', message: '' },
      });
      await at.clock.pass(1_000);
    }
  }

  it('ends in quarantine with the fifth crash: one incident, no work, slots skipped with the reason', async () => {
    await loop();
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.incident()).toMatchObject({
      verdict: 'crash-looping',
      state: 'open',
      seen: '5 ends in 4.0s: prices is not iterable',
    });
    expect(at.healer.allowance('a')).toBe(0);
    expect(at.healer.allowance('b')).toBe(Number.POSITIVE_INFINITY);
    expect(at.healer.letThrough('a', T0)).toBe(false);
    expect(at.healer.letThrough('b', T0)).toBe(true);
    expect(at.incidentStore.quarantineRegistry.get('a')).toMatchObject({
      incident: 'inc-1',
      probes: 0,
      fingerprint: 'f1',
    });
    expect(at.asked).toContain('restrictions');
    expect(at.told('incident.opened')).toHaveLength(1);
    await at.restart();
    expect(at.healer.allowance('a')).toBe(0);
    expect(at.healer.letThrough('a', T0)).toBe(false);
  });

  it('is probed at growing distances; one slot becomes the probe, a good probe lifts it and heals the incident', async () => {
    await loop();
    const pauses: number[] = [];
    for (let probe = 0; probe < 4; probe++) {
      const { nextProbeAt } = at.healer.quarantine('a')!;
      pauses.push(Math.round((nextProbeAt - at.clock.wall) / MINUTE));
      await at.clock.pass(nextProbeAt - at.clock.wall);
      expect(at.healer.allowance('a')).toBe(1);
      expect(at.healer.letThrough('a', at.clock.wall)).toBe(true);
      expect(at.healer.letThrough('a', at.clock.wall + 1_000)).toBe(false);
      at.end('a', 'CRASHED', { message: 'prices is not iterable' });
      at.settle('a', 'dead', { error: { code: 'CRASHED', message: 'prices is not iterable' } });
      await quiet();
      expect(at.healer.allowance('a')).toBe(0);
    }
    expect(pauses).toEqual([1, 2, 4, 8]);
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.incident()).toMatchObject({ state: 'escalated', verdict: 'crash-looping' });
    expect(at.told('incident.escalated')).toHaveLength(1);
    await at.clock.pass(2 * HOUR);
    at.settle('a', 'done');
    await quiet();
    expect(at.healer.allowance('a')).toBe(Number.POSITIVE_INFINITY);
    expect(at.incident()).toMatchObject({ state: 'healed' });
    expect(at.incidentStore.quarantineRegistry.size).toBe(0);
    expect(at.asked).toContain('wake a');
  });

  it('is over for a new version, by hand, and when the agent goes; a run by hand is a probe at once', async () => {
    await loop();
    at.healer.probeNow('a');
    expect(at.healer.allowance('a')).toBe(1);
    at.healer.use(at.agents);
    expect(at.healer.quarantine('a')).toBeDefined();
    at.agents.set('a', { ...at.agents.get('a')!, fingerprint: 'f2' });
    at.healer.use(at.agents);
    await quiet();
    expect(at.healer.quarantine('a')).toBeUndefined();
    expect(at.incident().state).toBe('open');
    await loop();
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.healer.release('a', 'by hand')).toBe(true);
    expect(at.healer.release('a', 'by hand')).toBe(false);
    await loop();
    at.agents.delete('a');
    at.healer.use(at.agents);
    await quiet();
    expect(at.healer.quarantine('a')).toBeUndefined();
    expect(at.incident().state).toBe('closed');
  });

  it('is none while other jobs are done in between: a poisoned job is a dead letter, not a quarantine', async () => {
    for (let crash = 0; crash < 20; crash++) {
      at.end('a', 'CRASHED');
      await at.clock.pass(1_000);
      at.settle('a', 'done');
      await at.clock.pass(1_000);
    }
    expect(at.healer.quarantine('a')).toBeUndefined();
    for (let crash = 0; crash < 5; crash++) at.end('a', 'CRASHED');
    expect(at.healer.quarantine('a')).toBeDefined();
  });

  it('is not counted over a long time, nor for workers of an older version', async () => {
    for (let crash = 0; crash < 20; crash++) {
      at.end('a', 'CRASHED');
      await at.clock.pass(3 * MINUTE);
    }
    for (let crash = 0; crash < 20; crash++) at.end('b', 'CRASHED', { version: 'older' });
    await quiet();
    expect(at.healer.quarantine('a') ?? at.healer.quarantine('b')).toBeUndefined();
  });
});

describe('a leak', () => {
  const reading = (worker: string, bytes: number): WorkerReading => ({
    worker,
    agent: 'a',
    version: 'v1',
    cell: 1,
    at: at.clock.monotonic(),
    heapBytes: bytes,
    externalBytes: 0,
    childrenBytes: 0,
    limitBytes: 256 * 1024 ** 2,
    cpu: 0,
    loop: 0,
    answers: true,
    job: null,
  });

  it('is told hours before, its worker goes between two jobs, and a job on another worker heals it', async () => {
    let bytes = 40 * 1024 ** 2;
    while (at.asked.length === 0 && bytes < 256 * 1024 ** 2) {
      at.healer.readings([reading('w1', bytes)]);
      at.settle('a', 'done', { worker: 'w1' });
      bytes += (60 * 1024 ** 2) / 120;
      at.clock.wall += HOUR / 120;
      await quiet();
    }
    expect(at.asked).toEqual(['recycle w1']);
    expect(bytes).toBeLessThan(0.8 * 256 * 1024 ** 2);
    const { openedAt, remedies, timeline, repeats } = at.incident();
    expect(remedies).toMatchObject([{ kind: 'recycle', held: null }]);
    expect(at.clock.wall - openedAt).toBeGreaterThan(90 * MINUTE);
    expect(timeline[0]!.text).toMatch(/w1 holds .* grows 1 MB a minute: the limit in \dh/);
    expect(repeats).toBe(0);
    at.settle('a', 'done', { worker: 'w2' });
    await quiet();
    expect(at.incident()).toMatchObject({ state: 'healed', remedies: [{ held: true }] });
    expect(at.incidentStore.kept.size).toBe(1);
    expect(at.errors).toEqual([]);
  });
});

describe('lateness', () => {
  it('is told at the second look, woken, and over when work begins', async () => {
    at.incidentStore.slots = [{ agent: 'a', due: T0 - 2 * MINUTE }];
    await at.clock.pass(10_000);
    expect(at.incidentStore.kept.size).toBe(0);
    await at.clock.pass(10_000);
    expect(at.incident()).toMatchObject({
      agent: 'a',
      verdict: 'late',
      remedies: [{ kind: 'catch-up', by: 'healing' }],
    });
    expect(at.asked).toEqual(['wake a']);
    await at.clock.pass(40_000);
    expect(at.incident().repeats).toBe(0);
    await at.clock.pass(MINUTE);
    expect(at.incident()).toMatchObject({ repeats: 1, remedies: [{ held: false }, { kind: 'fresh-worker' }] });
    expect(at.asked).toEqual(['wake a', 'ownCell a', 'dropIdle a', 'wake a']);
    at.settle('a', 'retrying', { error: { code: 'ERROR', message: 'x' } });
    await quiet();
    expect(at.incident().state).toBe('healed');
  });
});

describe('the host', () => {
  it('that was lost is an incident, healed by the first job that is done, or at once when nothing ran', async () => {
    const because = { code: 'HOST_LOST', message: 'the host (pid 7) was killed' };
    at.healer.hostLost(because, ['job-1', 'job-2']);
    await quiet();
    expect(at.incident()).toMatchObject({ agent: null, verdict: 'host-lost', state: 'open', jobs: ['job-1', 'job-2'] });
    at.settle('', 'retrying', { error: { code: 'HOST_LOST', message: '' } });
    at.settle('a', 'done', { job: 'job-1' });
    await quiet();
    expect(at.incident()).toMatchObject({ state: 'healed', remedies: [{ kind: 'restart-host', held: true }] });
    at.healer.hostLost(because, []);
    await quiet();
    expect(at.incident('inc-2').state).toBe('healed');
  });
});

describe('a machine that is short', () => {
  it('has an incident that names each step that was taken, asks somebody after the last one, and is well with a word', async () => {
    const short = (seen: string, what: string) =>
      at.healer.report({ agent: null, verdict: 'pressed', because: { code: 'PRESSED', message: '' }, seen }, what);
    for (const step of ['one', 'two', 'three', 'four', 'five', 'six']) short('4 MB are free', `step ${step}`);
    await quiet();
    const { remedies, state } = at.incident();
    expect({ state, kinds: new Set(remedies.map(({ kind }) => kind)) }).toEqual({
      state: 'open',
      kinds: new Set(['relieve']),
    });
    expect(remedies.map(({ what }) => what)).toEqual(
      ['one', 'two', 'three', 'four', 'five', 'six'].map((n) => `step ${n}`),
    );
    short('1 MB is free', 'nothing is left');
    await quiet();
    expect(at.incident().state).toBe('escalated');
    at.settle('a', 'done');
    await quiet();
    expect(at.incident().state).toBe('escalated');
    at.healer.pressureOver('there is room again');
    await quiet();
    expect(at.incident()).toMatchObject({ state: 'healed', agent: null, verdict: 'pressed' });
    at.healer.pressureOver('there is room again');
    await quiet();
    expect(at.incidentStore.kept.size).toBe(1);
  });

  it('of disk is another matter: logs and versions give up space, and nothing is held up', async () => {
    at.resources.diskFree = 1;
    await at.clock.pass(30_000);
    const { verdict, seen, remedies, timeline } = at.incident();
    expect({ verdict, seen, kinds: remedies.map(({ kind }) => kind) }).toEqual({
      verdict: 'disk-short',
      seen: '1 B of 100 B on the disk of the store are free',
      kinds: ['clean-up'],
    });
    expect(timeline.map(({ text }) => text)).toContain('given back: 3 MB of logs');
    expect(at.asked).toEqual(['cleanUp']);
    at.resources.diskFree = 50;
    await at.clock.pass(10_000);
    expect(at.incident().state).toBe('healed');
  });
});

describe('a store that is down', () => {
  it('delays the record, and nothing else', async () => {
    at.incidentStore.down = true;
    for (let crash = 1; crash <= 5; crash++) at.end('a', 'CRASHED');
    await at.clock.pass(MINUTE);
    expect(at.healer.allowance('a')).toBe(1);
    expect(at.healer.open()).toMatchObject([{ id: '', verdict: 'crash-looping' }]);
    expect(at.incidentStore.kept.size).toBe(0);
    at.incidentStore.down = false;
    await at.clock.pass(20_000);
    expect(at.incident()).toMatchObject({ verdict: 'crash-looping', state: 'open' });
    expect(at.incidentStore.quarantineRegistry.get('a')).toMatchObject({ incident: 'inc-1' });
    expect(at.told('incident.opened')[0]!.message).toContain('inc-1');
    expect(at.errors.length).toBeGreaterThan(0);
  });
});

describe('a person', () => {
  it('closes an incident with a note, notes something on one that is over, and is told of one that is not', async () => {
    at.end('a', 'SILENT');
    await quiet();
    expect(await at.healer.acknowledge('inc-1', 'known, the API is slow')).toMatchObject({
      state: 'closed',
      note: 'known, the API is slow',
    });
    expect(await at.healer.acknowledge('inc-1', 'again')).toMatchObject({ state: 'closed', note: 'again' });
    await expect(at.healer.acknowledge('inc-9', null)).rejects.toMatchObject({ plain: { code: 'INCIDENT_UNKNOWN' } });
    at.end('a', 'SILENT');
    await quiet();
    expect(at.incidentStore.kept.size).toBe(2);
  });
});
