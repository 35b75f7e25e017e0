import type { Mutation } from './mutation.ts';

const FILES = ['test/workers/open-files.test.ts'];

/** Guards of cells and workers. */
export const ofWorkers: readonly Mutation[] = [
  {
    breaks: 'a cell in which every file is open tells so',
    file: 'src/workers/open-files.ts',
    text: "=== 'EMFILE' ? most : null",
    instead: "=== 'EMFILE' ? null : null",
    caughtBy: FILES,
  },
  {
    breaks: 'a job that found no descriptor left is tried again in a clean cell',
    file: 'src/workers/cell-memory.ts',
    text: "end.fault.code !== 'EMFILE'",
    instead: "end.fault.code !== 'NEVER'",
    caughtBy: FILES,
  },
  {
    breaks: 'a cell is taken before the host when memory runs out',
    file: 'src/workers/inside/cell.ts',
    text: 'endMeSooner(SOONER.cell);',
    instead: '',
    caughtBy: ['test/workers/lifecycle.test.ts'],
  },
];
