import { expect, it } from 'vitest';
import { createOperations } from '../../src/host/api/handlers.ts';
import { Fault } from '../../src/kernel/fault.ts';
import { OPERATIONS } from '../../src/operations/table.ts';

const ops = Object.entries(OPERATIONS).map(([op, { role, kind }]) => ({ op, role, kind }));
const codeFor = async (role: 'reader' | 'operator', op: string) => {
  const { ask } = createOperations({}, () => new Fault({ code: 'DISPATCHED', message: 'it would be answered' }));
  const answer = ask(op, {}, { role, item: () => true, gone: new AbortController().signal });
  return answer.then(
    () => undefined,
    (error) => (error as Fault).code,
  );
};

it.each(ops)('$op is for each $role: readers get no operation of operators', async ({ op, role }) => {
  expect(await codeFor('operator', op)).toBe('DISPATCHED');
  expect(await codeFor('reader', op)).toBe(role === 'reader' ? 'DISPATCHED' : 'ROLE_LACKING');
});

it('a reader changes nothing', () => {
  expect(ops.filter(({ role, kind }) => role === 'reader' && kind === 'act')).toEqual([]);
});
