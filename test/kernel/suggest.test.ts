import fc from 'fast-check';
import { expect, it } from 'vitest';
import { suggest } from '../../src/kernel/suggest.ts';

it.each([
  ['slowAftr', 'slowAfter'],
  ['shcedule', 'schedule'],
  ['TIMEOUT', 'timeout'],
  ['timeouts', 'timeout'],
])('%s probably means %s', (word, meant) =>
  expect(suggest(word, ['slowAfter', 'schedule', 'timeout', 'url'])).toBe(meant),
);

it('says nothing when nothing is near, and never offers the word itself', () => {
  expect(suggest('memory', ['schedule', 'timeout'])).toBeUndefined();
  expect(suggest('ab', ['xy', 'cd'])).toBeUndefined();
  expect(suggest('url', ['url'])).toBeUndefined();
  expect(suggest('', ['a'])).toBeUndefined();
});

it('prefers the nearest', () => expect(suggest('attemps', ['attempt', 'attempts', 'temps'])).toMatch(/^attempts?$/));

it('finds a word again after any one slip of the keys', () => {
  const word = fc.stringMatching(/^[a-z]{5,12}$/);
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom('drop', 'double', 'swap', 'other'), (text, where, slip) => {
      const i = where % (text.length - 1);
      const rest = text.slice(i + 1);
      const slipped = {
        drop: text.slice(0, i) + rest,
        double: text.slice(0, i + 1) + text[i] + rest,
        swap: text.slice(0, i) + text[i + 1] + text[i] + text.slice(i + 2),
        other: `${text.slice(0, i)}#${rest}`,
      }[slip];
      fc.pre(slipped !== text);
      expect(suggest(slipped, ['0000000000000000', text])).toBe(text);
    }),
  );
});
