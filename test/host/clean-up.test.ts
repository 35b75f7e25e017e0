import { expect, test } from 'vitest';
import { cleanUp } from '../../src/host/healing.ts';

const MB = 1024 ** 2;
const given = (logs: number, versions: number) =>
  cleanUp({ journal: { shrink: () => logs }, catalog: { shrink: async () => versions } });

test('a clean-up tells what it gave back, and when nothing is left it says who has to act', async () => {
  expect(await given(3 * MB, 2 * MB)).toBe('given back: 3 MB of logs, 2 MB of old versions');
  expect(await given(0, MB)).toBe('given back: 1 MB of old versions');
  expect(await given(0, 0)).toBe('nothing is left that may be deleted: a person has to make room');
});
