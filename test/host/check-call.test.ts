import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkCall } from '../../src/host/host-calls.ts';
import { Fault } from '../../src/kernel/fault.ts';
import type { WorkerCall } from '../../src/workers/ports.ts';
import { anyValue } from '../kernel/extremes.ts';

const call = (values: object) => ({ job: 'job-1', attempt: 1, agent: 'a', ...values }) as unknown as WorkerCall;

it('lets through what a plugin can ask for', () => {
  const send = { ask: 'send', to: 'b', input: '1', key: 'k', afterMs: 0, priority: -100, staleAfterMs: 1 };
  for (const good of [
    send,
    { ask: 'emit', topic: 't', data: null },
    { ask: 'stateKeys' },
    { ask: 'setState', key: 'k', value: '1' },
  ])
    expect(() => checkCall(call(good))).not.toThrow();
});

it.each([
  { ask: 'send', to: 'b', input: null, afterMs: 9_999_999_999 * 86_400_000 },
  { ask: 'send', to: 'b', input: null, staleAfterMs: Number.NaN },
  { ask: 'send', to: 'b', input: null, priority: 1e9 },
  { ask: 'setState', key: 'k', value: 'x'.repeat(2_000_000) },
  { ask: 'fleetReport', from: '+275760-09-13T00:00:00.000Z' },
  {
    ask: 'fetched',
    meant: 'x',
    origin: 'x',
    pass: 1,
    end: { is: 'bad', ms: 1, failure: { what: '', retryAfterMs: Number.NaN } },
  },
])('refuses what only somebody else can have written: %#', (values) => {
  expect(() => checkCall(call(values))).toThrow(/is out of its bounds$/);
});

it('refuses in words or lets through, whatever comes', () => {
  const asks = fc.constantFrom(
    'send',
    'emit',
    'setState',
    'beginEffect',
    'endEffect',
    'exec',
    'admit',
    'fetched',
    'fleetReport',
  );
  const fields = fc.constantFrom(
    'to',
    'key',
    'afterMs',
    'priority',
    'staleAfterMs',
    'value',
    'result',
    'data',
    'timeoutMs',
    'from',
    'end',
    'pass',
  );
  fc.assert(
    fc.property(asks, fc.dictionary(fields, anyValue), (ask, values) => {
      try {
        checkCall(call({ ...values, ask }));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Fault);
      }
    }),
    { numRuns: 1_000 },
  );
});
