import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MUTATIONS } from '../../scripts/mutations/list.ts';

const ROOT = join(import.meta.dirname, '../..');

it.each(MUTATIONS)('npm run mutate can still break: $breaks', ({ file, text, instead, caughtBy }) => {
  expect(readFileSync(join(ROOT, file), 'utf8').split(text)).toHaveLength(2);
  expect(instead).not.toBe(text);
  expect(caughtBy.length).toBeGreaterThan(0);
  expect(caughtBy.filter((one) => !existsSync(join(ROOT, one)))).toEqual([]);
});
