import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fault, locationOf, mayHelp, toPlainFault, usage } from '../../src/kernel/fault.ts';

it('keeps what a Fault says', () => {
  const plain = { code: 'X', message: 'no', next: 'do this', file: 'a.yaml', line: 3, column: 1 };
  expect(toPlainFault(new Fault(plain), 'OTHER')).toMatchObject(plain);
  expect(new Fault(plain).message).toBe('no');
});

it('gives other errors the code of the asker, their own code, or their name', () => {
  expect(toPlainFault(new Error('no'), 'MINE')).toMatchObject({ code: 'MINE', message: 'no' });
  expect(toPlainFault(Object.assign(new Error('no'), { code: 'ENOENT' })).code).toBe('ENOENT');
  expect(toPlainFault(new TypeError('no')).code).toBe('TypeError');
  expect(toPlainFault(new Error('')).message).toBe('Error');
  expect(toPlainFault(new Error('no')).code).toBe('ERROR');
});

it('makes plain data of anything that can be thrown', () => {
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  for (const thrown of [undefined, null, 7n, loop, Symbol('s'), () => 1, 'text'])
    expect(toPlainFault(thrown).message).toMatch(/^threw .+ instead of an Error$/);
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (thrown) => {
      const fault = toPlainFault(thrown);
      expect(typeof fault.code).toBe('string');
      expect(typeof fault.message).toBe('string');
      expect(() => structuredClone(fault)).not.toThrow();
    }),
  );
});

it('tells a place only as far as it is known', () => {
  const fault = { code: 'X', message: 'no' };
  expect(locationOf(fault)).toBe('');
  expect(locationOf({ ...fault, file: 'a.yaml' })).toBe('a.yaml');
  expect(locationOf({ ...fault, file: 'a.yaml', line: 6, column: 3 })).toBe('a.yaml:6:3');
  expect(locationOf({ ...fault, file: 'a.yaml', column: 3 })).toBe('a.yaml');
});

it('keeps the stack of a Fault and of an error, and the code and cause of a Fault', () => {
  const cause = new Error('before');
  const fault = new Fault({ code: 'X', message: 'no' }, { cause });
  expect([fault.name, fault.code, fault.cause]).toEqual(['Fault', 'X', cause]);
  expect(toPlainFault(fault)).toEqual({ code: 'X', message: 'no', stack: fault.stack });
  const stackless = Object.assign(new Fault({ code: 'X', message: 'no' }), { stack: undefined });
  expect(Object.keys(toPlainFault(stackless))).toEqual(['code', 'message']);
  expect(toPlainFault(cause).stack).toBe(cause.stack);
  expect(Object.keys(toPlainFault(Object.assign(new Error('no'), { stack: '' })))).toEqual(['code', 'message']);
  expect(toPlainFault(Object.assign(new TypeError('no'), { code: 7 })).code).toBe('TypeError');
  expect(toPlainFault(Object.assign(new TypeError('no'), { code: '' })).code).toBe('TypeError');
  expect(toPlainFault(7).code).toBe('ERROR');
  expect(toPlainFault(7, 'MINE').code).toBe('MINE');
});

describe('another attempt', () => {
  const FINAL =
    'NOT_JSON TOO_LARGE CALL_INVALID VALUE_INVALID INPUT_INVALID TOPIC_RESERVED NOT_IN_NEEDS NOT_ALLOWED NOT_KEPT CHAIN_TOO_DEEP ' +
    'CHAIN_TOO_FAST MODEL_REFUSED BUDGET_TOO_SMALL NO_PLUGIN SETTINGS_INVALID EXEC_NOT_FOUND PRICE_UNKNOWN EFFECT_UNKNOWN ' +
    'EFFECT_NOT_KEPT GIVE_UP';
  const PASSING =
    'RETRY_LATER RETRY_AFTER_INVALID TIMEOUT SILENT CRASHED BOOT_FAILED OUT_OF_MEMORY OVER_LIMIT CELL_LOST HOST_LOST HOST_STOPPED ' +
    'RESTARTED ATTEMPT_ENDED TOO_MANY_CALLS AGENT_UNKNOWN FETCH_TIMEOUT ORIGIN_DOWN BUDGET_SPENT MODELS_DOWN ANSWER_UNUSABLE ' +
    'MODEL_TIMEOUT SPEND_NOT_KEPT EXEC_FAILED EXEC_TIMEOUT EXEC_STOPPED EXEC_NOT_STARTED EXEC_LOST';

  it.each(FINAL.split(' '))('does not help against %s', (code) => expect(mayHelp({ code })).toBe(false));
  it.each(PASSING.split(' '))('may help against %s', (code) => expect(mayHelp({ code })).toBe(true));

  it('may help against what only a plugin, a library or Node names', () => {
    for (const code of ['ECONNRESET', 'ERROR', '', 'TypeError']) expect(mayHelp({ code })).toBe(true);
  });

  it('at a load helps as little as against what kept the plugin from being loaded', () => {
    expect(mayHelp({ code: 'BOOT_FAILED', data: { cause: 'NO_PLUGIN' } })).toBe(false);
    expect(mayHelp({ code: 'BOOT_FAILED', data: { cause: 'TIMEOUT' } })).toBe(true);
    expect(mayHelp({ code: 'BOOT_FAILED', data: { cause: 7 } })).toBe(true);
    expect(mayHelp({ code: 'TIMEOUT', data: { cause: 'NO_PLUGIN' } })).toBe(true);
    expect(mayHelp({ code: 'GIVE_UP', data: { cause: 'TIMEOUT' } })).toBe(false);
  });
});

it('names a mistake in the command line and what to type instead', () => {
  expect(usage('no such command', 'daruma help').plain).toEqual({
    ...{ code: 'USAGE', message: 'no such command' },
    next: 'daruma help',
  });
});

it('names a place in which a file steers no terminal', () => {
  expect(locationOf({ code: 'X', message: 'no', file: 'a\u001b[2J.yaml', line: 2 })).not.toContain('\u001b');
});
