import type { Mutation } from './mutation.ts';

const FILES = ['test/workers/open-files.test.ts'];

/** Guards of cells and workers. */
export const ofWorkers: readonly Mutation[] = [
  {
    breaks: 'a cell in which every file is open tells so',
    file: 'src/kernel/proc.ts',
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
  {
    breaks: 'what JSON would change without a word is refused',
    file: 'src/workers/inside/plain-data.ts',
    text: 'if (prototype !== null && getPrototypeOf(prototype) !== null) {',
    instead: 'if (prototype === part) {',
    caughtBy: ['test/workers/plain-data.test.ts'],
  },
  {
    breaks: 'a value that contains itself is refused where it does',
    file: 'src/workers/inside/plain-data.ts',
    text: "if (above.includes(part)) this.refuse('', 'contains itself');",
    instead: '',
    caughtBy: ['test/workers/plain-data.test.ts'],
  },
  {
    breaks: 'what an ended job left behind ends no other job',
    file: 'src/workers/inside/uncaught.ts',
    text: 'if (job?.hasEnded || isOfGarbage(error)) {',
    instead: 'if (job === null) {',
    caughtBy: ['test/workers/left-overs.test.ts'],
  },
  {
    breaks: 'a right that was not given is not asked for again',
    file: 'src/workers/inside/thrown.ts',
    text: 'if (own) return !mayHelp(own);',
    instead: 'if (own) return false;',
    caughtBy: ['test/workers/restrictions.test.ts'],
  },
];
