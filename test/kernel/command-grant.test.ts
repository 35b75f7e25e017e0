import fc from 'fast-check';
import { expect, it } from 'vitest';
import { grantCovers, grantText, takesArguments } from '../../src/kernel/command-grant.ts';

const args = fc.array(fc.constantFrom('log', '-n', '3', '*'), { maxLength: 4 });
const grant = fc.oneof(fc.constantFrom('git', 'tar', '*'), fc.record({ command: fc.constantFrom('git', 'tar'), args }));

it('covers no grant that would let run what it does not let run itself', () => {
  fc.assert(
    fc.property(grant, grant, args, (granted, asked, given) => {
      fc.pre(grantCovers(granted, asked) && takesArguments(asked, given));
      expect(takesArguments(granted, given)).toBe(true);
    }),
  );
});

it('covers itself, and whatever ends where it is open', () => {
  fc.assert(
    fc.property(grant, (one) => {
      expect(grantCovers(one, one)).toBe(true);
    }),
  );
  expect(grantCovers({ command: 'git', args: ['log', '*'] }, { command: 'git', args: ['log', '*', '-n', '*'] })).toBe(
    true,
  );
  expect(grantCovers({ command: 'git', args: ['log'] }, { command: 'git', args: ['log', '*'] })).toBe(false);
  expect(grantText({ command: 'git', args: ['log', '*'] })).toBe('git log *');
});

it.each([
  [['log', '*'], ['log'], true],
  [['log', '*'], ['log', '-n', '3'], true],
  [['log', '*'], ['-c', 'log'], false],
  [['*', 'end'], ['x', 'end'], true],
  [['*', 'end'], ['end'], false],
  [[], [], true],
  [[], ['log'], false],
  [['*'], [], true],
])('%j takes %j: %s', (pinned, given, takes) => {
  expect(takesArguments({ command: 'git', args: pinned }, given)).toBe(takes);
});
