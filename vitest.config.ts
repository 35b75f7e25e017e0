import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Rooms whose tests start no process and leave nothing in their own: one process runs many files of them. */
const PURE_ROOMS = ['healing', 'jobs', 'kernel', 'operations', 'schedule', 'telemetry', 'gateway/models/chain'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

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
      { extends: true, test: { name: 'pure', include: PURE_ROOMS, isolate: false } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.test.ts', 'plugins/**/*.test.ts', 'docs/**/*.test.ts'],
          exclude: PURE_ROOMS,
        },
      },
    ],
    // A bound for what hangs, not for how fast a busy machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Most tests wait for processes: on two cores, two more use what two leave.
    maxWorkers: 4,
    teardownTimeout: 5_000,
  },
});
