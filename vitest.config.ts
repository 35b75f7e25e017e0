import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/order.ts';
import { SHARED_PROCESS } from './test/shared-process.ts';

export default defineConfig({
  resolve: {
    alias: [
      { find: /^daruma\/testing$/, replacement: fileURLToPath(new URL('./src/testing/index.ts', import.meta.url)) },
      { find: /^daruma$/, replacement: fileURLToPath(new URL('./src/index.ts', import.meta.url)) },
    ],
  },
  test: {
    // A page for each host of a test would be work for nobody; tests of the page take the variable away.
    env: { DARUMA_WEB: 'off' },
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: [...SHARED_PROCESS], isolate: false, setupFiles: ['test/leaves-nothing.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.test.ts', 'plugins/**/*.test.ts', 'docs/**/*.test.ts'],
          exclude: [...SHARED_PROCESS],
        },
      },
    ],
    // A bound for what hangs, not for how fast a busy machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Most tests wait for processes: on two cores, two more use what two leave.
    maxWorkers: 4,
    teardownTimeout: 5_000,
    sequence: { sequencer: LongFirst },
  },
});
