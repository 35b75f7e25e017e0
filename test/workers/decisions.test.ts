import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prefetchFor } from '../../src/workers/batch-sizing.ts';
import { hostAllowListOf } from '../../src/workers/host-allow-list.ts';
import { idleTimeoutMs } from '../../src/workers/idle-time.ts';
import { createRingReader, createRingWriter } from '../../src/workers/inside/ring.ts';
import { offerTicket, openShared, revokeTicket, TICKETS, takeTicket } from '../../src/workers/inside/shared.ts';
import { checkDeadline } from '../../src/workers/inside/watch.ts';
import { permissionFlagsOf } from '../../src/workers/permissions.ts';
import { heldBy, stepWorker, takesWork, type WorkerEvent, type WorkerState } from '../../src/workers/worker-state.ts';

describe('the state of a worker', () => {
  const events = fc.array(
    fc.oneof(
      fc.record({ is: fc.constant('ready' as const), at: fc.nat() }),
      fc.record({ is: fc.constant('given' as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ is: fc.constant('back' as const), count: fc.integer({ min: 0, max: 5 }), at: fc.nat() }),
      fc.record({ is: fc.constant('drain' as const) }),
      fc.record({ is: fc.constant('ended' as const), because: fc.constant(null) }),
    ),
    { maxLength: 40 },
  );
  const start = (): WorkerState => ({ is: 'starting', since: 0, held: 0 });

  test('holds what it was given minus what came back, in every history', () => {
    fc.assert(
      fc.property(events, (history) => {
        let state = start();
        let held = 0;
        for (const event of history as WorkerEvent[]) {
          const takes = takesWork(state);
          state = stepWorker(state, event);
          if (event.is === 'given' && takes) held += event.count;
          if (event.is === 'back') held = Math.max(0, held - event.count);
          if (state.is === 'gone') return;
          expect(heldBy(state)).toBe(held);
          if (state.is === 'idle' || state.is === 'stopping') expect(held).toBe(0);
          if (state.is === 'busy' || state.is === 'draining') expect(held).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('never takes work again once it drains, and never leaves gone', () => {
    fc.assert(
      fc.property(events, (history) => {
        let state = start();
        let drained = false;
        for (const event of history as WorkerEvent[]) {
          const before = state;
          state = stepWorker(state, event);
          drained ||= event.is === 'drain';
          if (drained) expect(takesWork(state)).toBe(false);
          if (before.is === 'gone') expect(state).toBe(before);
        }
      }),
    );
  });
});

describe('a ticket', () => {
  test('is had by the thread or by the cell, never by both, also when its place is used again', () => {
    const act = fc.record({ who: fc.constantFrom('thread', 'cell', 'give'), pick: fc.nat() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), fc.integer({ min: 1, max: 3 * TICKETS }), (acts, first) => {
        const shared = openShared();
        const had = new Map<number, string[]>();
        let next = first;
        for (const { who, pick } of acts) {
          if (who === 'give') {
            offerTicket(shared, next);
            had.set(next++, []);
            continue;
          }
          // Any job ever given, old ones included.
          const seqs = [...had.keys()];
          const seq = seqs[pick % Math.max(1, seqs.length)];
          if (seq === undefined) continue;
          if (who === 'thread' ? takeTicket(shared, seq) : revokeTicket(shared, seq)) had.get(seq)!.push(who);
        }
        expect([...had.values()].every((owners) => owners.length <= 1)).toBe(true);
      }),
    );
  });
});

describe('the ring', () => {
  test('gives back everything that it took, in order, however full it gets', () => {
    const put = fc.record({
      length: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2_700 })),
      wide: fc.boolean(),
    });
    const plan = fc.array(fc.oneof(put, fc.constant('drain' as const)), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(plan, (steps) => {
        const shared = openShared();
        const ring = createRingWriter(shared);
        const reader = createRingReader(shared);
        const flat: (number | string | null)[] = [];
        const expected: (number | string | null)[] = [];
        let seq = 0;
        for (const one of steps) {
          if (one === 'drain') flat.push(...reader.drain());
          else {
            const result = one.length < 0 ? null : (one.wide ? '🎎' : 'x').repeat(one.length >> (one.wide ? 1 : 0));
            if (ring.put(++seq, 1_000 + seq, seq / 7, result)) expected.push(seq, 1_000 + seq, seq / 7, result);
          }
        }
        flat.push(...reader.drain());
        expect(flat).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('asks for a wake-up once until it is read, and refuses what is too long', () => {
    const shared = openShared();
    const ring = createRingWriter(shared);
    ring.put(1, 0, 0, null);
    expect([ring.mustWake(), ring.mustWake()]).toEqual([true, false]);
    createRingReader(shared).drain();
    expect(ring.mustWake()).toBe(true);
    expect(ring.put(2, 0, 0, 'x'.repeat(100_000))).toBe(false);
  });
});

describe('deadlines', () => {
  const limits = { timeoutMs: 1_000, silenceMs: 300, graceMs: 50 };

  test('come as timeout, silence, and after an abort as kill; in between it says when to look again', () => {
    const job = { startedAt: 10_000, progressAt: 10_000, lastBeat: '', aborted: null };
    expect(checkDeadline(job, limits, 10_100)).toEqual({ is: 'fine', lookAfterMs: 200 });
    expect(checkDeadline(job, limits, 10_300)).toMatchObject({ is: 'abort', why: { code: 'SILENT' } });
    expect(checkDeadline({ ...job, progressAt: 10_900 }, limits, 10_950)).toEqual({ is: 'fine', lookAfterMs: 50 });
    expect(checkDeadline({ ...job, progressAt: 10_990 }, limits, 11_000)).toMatchObject({
      is: 'abort',
      why: { code: 'TIMEOUT' },
    });
    const why = { code: 'TIMEOUT', message: '' };
    expect(checkDeadline({ ...job, aborted: { at: 11_000, why } }, limits, 11_020)).toEqual({
      is: 'fine',
      lookAfterMs: 30,
    });
    expect(checkDeadline({ ...job, aborted: { at: 11_000, why } }, limits, 11_050)).toEqual({ is: 'kill', why });
  });

  test('lead to an end in every case: looking when told always gets there', () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        (grace, timeoutMs, silenceMs) => {
          let now = 0;
          let aborted: { at: number; why: { code: string; message: string } } | null = null;
          for (let workerTelemetry = 0; workerTelemetry < 10; workerTelemetry++) {
            const job = { startedAt: 0, progressAt: 0, lastBeat: '', aborted };
            const decision = checkDeadline(job, { timeoutMs, silenceMs, graceMs: grace }, now);
            if (decision.is === 'kill') {
              expect(now).toBe(Math.min(timeoutMs, silenceMs) + grace);
              return;
            }
            if (decision.is === 'abort') aborted = { at: now, why: decision.why };
            else now += decision.lookAfterMs;
          }
          throw new Error('it never ended');
        },
      ),
    );
  });
});

describe('how many jobs a worker holds at a time', () => {
  test.each([
    ['unknown', [], 1],
    ['too few to know', [0.01, 0.01], 1],
    ['long', [30, 40, 50], 1],
    ['around the bound', [1.9, 1.9, 1.9], 2],
    ['short', [0.1, 0.1, 0.1, 900], 50],
    ['tiny', [0.001, 0.001, 0.002], 256],
  ])('is right for jobs that are %s', (_what, durations, ahead) => {
    expect(prefetchFor(durations)).toBe(ahead);
  });
});

describe('what an agent needs', () => {
  const terms = {
    folder: '/fleet',
    file: '/fleet/data/v.mjs',
    own: ['/app/dist'],
    reads: ['/fleet/data/source'],
    real: (path: string) => path,
  };

  test('becomes the flags of its worker', () => {
    expect(
      permissionFlagsOf({
        ...terms,
        needs: { read: ['/etc/hosts', 'shared'], write: ['out'], net: [], modules: [], llm: false },
      }),
    ).toEqual([
      '--no-warnings',
      '--permission',
      '--allow-fs-read=/fleet/data/v.mjs',
      '--allow-fs-read=/fleet/data/source',
      '--allow-fs-read=/app/dist',
      '--allow-fs-read=/etc/hosts',
      '--allow-fs-read=/fleet/shared',
      '--allow-fs-read=/fleet/out',
      '--allow-fs-write=/fleet/out',
      '--no-experimental-sqlite',
    ]);
    const linked = { ...terms, real: (path: string) => path.replace('/fleet/out', '/srv/www') };
    expect(
      permissionFlagsOf({ ...linked, needs: { read: [], write: ['out'], net: [], modules: [], llm: false } }).slice(-5),
    ).toEqual([
      '--allow-fs-read=/fleet/out',
      '--allow-fs-read=/srv/www',
      '--allow-fs-write=/fleet/out',
      '--allow-fs-write=/srv/www',
      '--no-experimental-sqlite',
    ]);
    expect(
      permissionFlagsOf({
        ...terms,
        needs: { read: [], write: [], net: ['a.example'], modules: ['node:sqlite'], llm: false },
      }).slice(-2),
    ).toEqual(['--allow-fs-read=/app/dist', '--allow-net']);
    const asking = permissionFlagsOf({ ...terms, needs: { read: [], write: [], net: [], modules: [], llm: true } });
    expect(asking).toContain('--allow-net');
  });

  test.each([
    ['api.example', 'api.example', 443, true],
    ['api.example', 'API.example.', 443, true],
    ['api.example', 'evil-api.example', 443, false],
    ['api.example', 'api.example.evil', 443, false],
    ['*.example', 'a.b.example', 80, true],
    ['*.example', 'example', 80, false],
    ['*.example', 'badexample', 80, false],
    ['localhost:8080', 'localhost', 8080, true],
    ['localhost:8080', 'localhost', 80, false],
    ['*.example:8443', 'x.example', 8443, true],
    ['[::1]:80', '::1', 80, true],
    ['::1', '::1', 80, true],
    ['*', 'anything', 1, true],
  ])('of the network: %s lets %s:%s through: %s', (entry, host, port, may) => {
    expect(hostAllowListOf([entry])(host, port)).toBe(may);
    expect(hostAllowListOf([])(host, port)).toBe(false);
  });
});

describe('an idle worker', () => {
  test('stays for the idle time while work comes often, or nobody knows yet', () => {
    expect(idleTimeoutMs(undefined, 60_000)).toBe(60_000);
    expect(idleTimeoutMs(1_000, 60_000)).toBe(60_000);
    expect(idleTimeoutMs(30_000, 60_000)).toBe(60_000);
  });

  test('goes sooner where work comes once a minute or less', () => {
    expect(idleTimeoutMs(60_000, 60_000)).toBe(10_000);
    expect(idleTimeoutMs(86_400_000, 60_000)).toBe(10_000);
  });
});
