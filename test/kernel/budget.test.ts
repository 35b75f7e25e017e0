import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EMPTY_BUDGET_USE, prove, spend } from '../../src/kernel/budget.ts';

const budget = { allowed: 4, allowedInAll: 9, withinMs: 1_000 };

it('is spent exactly when more ends than allowed came within the period', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 60 }), (gaps) => {
      let spending = EMPTY_BUDGET_USE;
      const ends: number[] = [];
      let at = 0;
      for (const gap of gaps) {
        at += gap;
        ends.push(at);
        const answer = spend(spending, at, budget);
        spending = answer.after;
        expect(answer.spent).toBe(ends.filter((end) => at - end < 1_000).length > 4);
        expect(spending.ends.length).toBeLessThanOrEqual(10);
      }
    }),
  );
});

it('starts anew with each proof of health, up to a bound', () => {
  let spending = EMPTY_BUDGET_USE;
  const answers: boolean[] = [];
  for (let i = 0; i < 10; i++) {
    const { after, spent } = spend(spending, i, budget);
    answers.push(spent);
    spending = prove(after);
  }
  expect(answers).toEqual([...Array(9).fill(false), true]);
});
