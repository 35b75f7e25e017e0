import type { Mutation } from './mutation.ts';

/** Guards of the log. */
export const ofTelemetry: readonly Mutation[] = [
  {
    breaks: 'the log goes on after a full disk',
    file: 'src/telemetry/journal.ts',
    text: "    dropped++;\n    // A line that finds no room in memory is no attempt to write, and there might never be another one.\n    stream.write('');",
    instead: '    dropped++;',
    caughtBy: ['test/telemetry/journal.test.ts'],
  },
];
