import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const filesOf = (rooms: readonly string[]) => rooms.map((room) => `test/${room}/**/*.test.ts`);
/** Rooms whose tests start no process and leave nothing in their own. */
const PURE_ROOMS = ['healing', 'jobs', 'kernel', 'operations', 'schedule', 'telemetry', 'gateway/models/chain'];
/** Rooms and files that want a process to themselves: whole installations, modules that are replaced, and a filter of calls that stays. */
const ALONE = [
  ...filesOf(['containment', 'e2e', 'fence', 'fuzz', 'guardian', 'hooks', 'mcp', 'web']),
  'test/catalog/decisions.test.ts',
  'test/gateway/broker-messages.test.ts',
  'test/host/frozen-loops.test.ts',
  'test/workers/net-attacks.test.ts',
];
/** A process for many files spares each of them the start of one, and of the modules that they share. */
const MANY = { isolate: false, restoreMocks: true, unstubEnvs: true, setupFiles: ['test/shared-process.ts'] };

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
    // They run in the order of their names: first the long files, last those that fill the cores to the end.
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      {
        extends: true,
        test: {
          name: 'many',
          include: ['test/**/*.test.ts', 'plugins/**/*.test.ts', 'docs/**/*.test.ts'],
          exclude: [...filesOf(PURE_ROOMS), ...ALONE],
          ...MANY,
        },
      },
      { extends: true, test: { name: 'pure', include: filesOf(PURE_ROOMS), ...MANY } },
    ],
    // A bound for what hangs, not for how fast a busy machine is.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    // Most tests wait for processes: on two cores, two more use what two leave.
    maxWorkers: 4,
    teardownTimeout: 5_000,
  },
});
