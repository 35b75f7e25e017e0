import { expect, test } from 'vitest';
import { withNarrowing } from '../../src/jobs/settle.ts';
import { notInNeeds } from '../../src/kernel/needs-fault.ts';

const fault = {
  ...notInNeeds({ agent: 'a', need: 'net', asked: 'x.example:81' }),
  next: "add net: ['x.example:81'] to needs: plugins/a.ts:7",
};
const failed = { is: 'failed', fault, retry: false } as const;

test('a right that an agent file took away is missing there', () => {
  expect(withNarrowing(failed, { narrowed: { net: 'agents/a.yaml:4:10' } })).toMatchObject({
    fault: {
      next: "add net: ['x.example:81'] to needs: agents/a.yaml:4:10, which narrows the plugin's own (plugins/a.ts:7)",
    },
  });
});

test('a right that it says nothing of is missing in the plugin', () => {
  expect(withNarrowing(failed, { narrowed: { read: 'agents/a.yaml:4:10' } })).toBe(failed);
  expect(withNarrowing(failed, {})).toBe(failed);
  const done = { is: 'done', result: null } as const;
  expect(withNarrowing(done, { narrowed: { net: 'agents/a.yaml:4:10' } })).toBe(done);
});
