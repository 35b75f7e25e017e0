import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { checkWrite } from '../../src/store/checks.ts';
import { anyValue } from '../kernel/extremes.ts';
import { cleaningUp, faultOf, folder, storeAt } from './folder.ts';
import { added, claimed, done, job, T0 } from './laws/world.ts';

cleaningUp();

/** Calls that write, right but for the one value that is put into them. */
const CALLS: Record<string, (value: never) => unknown[]> = {
  add: (value) => [[job({ runAt: value })]],
  'add ': (value) => [[job({ priority: value, staleAt: value })]],
  settle: (value) => [[{ ...done({ job: 'job-1', attempt: 1 }), finishedAt: value }]],
  'settle ': (value) => [[{ ...done({ job: 'job-1', attempt: 1 }), summary: value }]],
  pause: (value) => ['a', value, T0],
  plan: (value) => [[{ agent: 'a', due: value }], T0],
  decide: (value) => [[{ agent: 'a', due: T0, state: 'ran', job: job({ attempts: value }) }], T0],
  setState: (value) => ['a', 'k', value, T0],
  'setState ': (value) => ['a', 'k', '1', value],
  putQuarantine: (value) => [
    { agent: 'a', since: T0, incident: 'inc-1', probes: 0, nextProbeAt: value, fingerprint: 'f' },
  ],
  append: (value) => [[{ at: value, kind: 'k', agent: null, message: 'm' }]],
  redrive: (value) => [value],
  addBatch: (value) => [{ act: 'drop', set: { states: ['dead'], since: value }, isNamed: true, reason: null }, []],
  renew: (value) => [[{ job: 'job-1', attempt: 1 }], value],
  beginEffect: (value) => [{ job: 'job-1', attempt: 1 }, 'k', value],
};

test('a call with a value that cannot be shown is refused by name, and by itself', async () => {
  const store = storeAt(join(folder(), 'store.db'));
  await store.start();
  const bad = store.add([job(), job({ runAt: 9_999_999_999 * 86_400_000 })]);
  const good = added(store, [{}]);
  expect(await faultOf(bad)).toMatchObject({
    code: 'VALUE_INVALID',
    message: 'the store takes no runAt 863999999913600000 (add): it could not be read or shown',
  });
  expect(await good).toEqual(['job-1']);
  expect((await claimed(store)).map(({ job: id }) => id)).toEqual(['job-1']);
  expect((await store.list({ limit: 9 })).length).toBe(1);
});

const isRefused = (name: string, ...args: unknown[]): boolean => {
  try {
    checkWrite(name, args);
    return false;
  } catch {
    return true;
  }
};

test('the quick look at new jobs refuses what the table refuses, and nothing else', () => {
  const fields = [
    'agent',
    'trigger',
    'input',
    'attempts',
    'key',
    'slot',
    'priority',
    'runAt',
    'inMs',
    'staleAt',
    'staleAfterMs',
    'parent',
    'depth',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...fields), anyValue, (field, value) => {
      const one = { ...job(), [field]: value };
      // The job of a slot is looked at by the table alone.
      const byTable = isRefused('decide', [{ agent: 'a', due: T0, state: 'ran', job: one }], T0);
      expect(isRefused('add', [one])).toBe(byTable);
    }),
    { numRuns: 2_000 },
  );
});

test('the quick look at ends lets no field pass that is of no use', () => {
  const end = done({ job: 'job-1', attempt: 1 });
  expect(isRefused('settle', [end])).toBe(false);
  const fields = [
    'job',
    'attempt',
    'state',
    'startedAt',
    'finishedAt',
    'inMs',
    'attempts',
    'error',
    'result',
    'summary',
  ];
  for (const field of [...fields, 'cause', 'worker']) {
    for (const value of [Number.NaN, 1.5, 2 ** 60, {}, [], Symbol('x'), true]) {
      expect(isRefused('settle', [{ ...end, [field]: value }]), `${field} ${String(value)}`).toBe(true);
    }
  }
  expect(isRefused('settle', [null])).toBe(true);
  expect(isRefused('settle', end)).toBe(true);
});

test('whatever is written through any port, every reader goes on', async () => {
  const store = storeAt(join(folder(), 'store.db'));
  await store.start();
  await added(store, [{}]);
  await claimed(store);
  const names = fc.constantFrom(...Object.keys(CALLS));
  const tried = fc.sample(fc.tuple(names, anyValue), { numRuns: 1_500 });
  const ports = store as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  const answers = await Promise.allSettled(
    tried.map(([name, value]) => ports[name.trim()]!(...CALLS[name]!(value as never))),
  );
  for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toBeInstanceOf(Fault);
  expect(answers.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(500);
  expect(await store.unreadable()).toEqual([]);
  await Promise.all([
    store.list({ limit: 1_000 }),
    store.overview(),
    store.paused(),
    store.waiting(),
    store.quarantines(),
    store.mutes(),
  ]);
});

test('refuses with a fault or takes, whatever the arguments are', () => {
  const names = fc.constantFrom(
    ...Object.keys(CALLS).map((name) => name.trim()),
    'cancel',
    'openIncident',
    'claim',
    'frob',
  );
  fc.assert(
    fc.property(names, fc.array(anyValue, { maxLength: 4 }), (name, args) => {
      try {
        checkWrite(name, args);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Fault);
      }
    }),
    { numRuns: 1_000 },
  );
});
