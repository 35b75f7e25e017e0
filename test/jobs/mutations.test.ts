import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mutated } from '../../scripts/mutations/declaration.ts';
import { MUTATIONS } from '../../scripts/mutations/list.ts';

const ROOT = join(import.meta.dirname, '../..');

it.each(MUTATIONS)('npm run mutate can still break: $breaks', (mutation) => {
  const { file, code, instead, caughtBy } = mutation;
  expect(mutated(mutation, readFileSync(join(ROOT, file), 'utf8'))).toBeTypeOf('string');
  expect(instead).not.toBe(code);
  expect(caughtBy.length).toBeGreaterThan(0);
  expect(caughtBy.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
