import { mergeConfig } from 'vitest/config';
import base from '../../vitest.config.ts';

/** The tests that are named in MUTATE_TESTS, up to the first failure; a property that fails need not be made small. */
const config = mergeConfig(base, {
  root: '.',
  test: { setupFiles: ['./scripts/mutations/first-failure.ts'], testTimeout: 60_000, maxWorkers: 1 },
});
// Each project has a list of tests of its own, which goes before this one: all tests would run on each mutant.
delete config.test.projects;
config.test.include = process.env.MUTATE_TESTS?.split(',') ?? [];
export default config;
