import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

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
    include: ['test/**/*.test.ts', 'plugins/**/*.test.ts', 'docs/**/*.test.ts'],
    // A bound for what hangs, not for how fast a busy machine is.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Most tests wait for processes: on two cores, two more use what two leave.
    maxWorkers: 4,
    teardownTimeout: 5_000,
  },
});
