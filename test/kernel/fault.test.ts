import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Fault, locationOf, toPlainFault } from '../../src/kernel/fault.ts';

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
