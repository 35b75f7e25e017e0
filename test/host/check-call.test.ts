import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readCall } from '../../src/host/check-call.ts';
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
    expect(() => readCall(call(good))).not.toThrow();
});

it('takes the fields that such a call has, and no others', () => {
  const forged = { ask: 'exec', call: 1, command: 'git', args: [], needs: { exec: ['*'] }, agent: 'a' };
  expect(readCall(call(forged))).toEqual({
    ask: 'exec',
    job: 'job-1',
    attempt: 1,
    agent: 'a',
    call: 1,
    command: 'git',
    args: [],
  });
});

it('refuses what is no call of a host', () => {
  for (const ask of ['fetch', 'held', 'constructor', '', 5, null])
    expect(() => readCall(call({ ask }))).toThrow(/is no call$/);
});

it.each([
  { ask: 'beginEffect' },
  { ask: 'send', to: 'b', input: '{bad' },
  { ask: 'send', to: 'b', input: `${'['.repeat(1_001)}${']'.repeat(1_001)}` },
  { ask: 'setState', key: 'k', value: '5}' },
  { ask: 'setState', key: 'k', value: 5 },
  { ask: 'send', to: 'b', input: null, afterMs: -1e15 },
  { ask: 'exec', call: 1, command: 'git', args: 'x' },
  { ask: 'exec', call: 1, command: 'git', args: [], env: { LD_PRELOAD: '/tmp/x.so' } },
  { ask: 'exec', call: 1, command: 'git\0', args: [] },
  { ask: 'admit', origin: 'file:///etc', alone: false },
  { ask: 'fetched', meant: 'http://a', origin: 'http://a', pass: 1, end: { is: 'bad', ms: 1 } },
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
  expect(() => readCall(call(values))).toThrow(/is out of its bounds$/);
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
        readCall(call({ ...values, ask }));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Fault);
      }
    }),
    { numRuns: 1_000 },
  );
});
