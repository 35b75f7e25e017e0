import { guardsOf, type Mutation } from './mutation.ts';

const ORIGINS = ['test/gateway/origins.test.ts'];
const OPEN_FILES = ['test/workers/open-files.test.ts'];

/** Guards of cells and workers, and of what goes out of the house. */
export const ofWorkers: readonly Mutation[] = [
  ...guardsOf('src/kernel/proc.ts', OPEN_FILES, [
    {
      breaks: 'a cell in which every file is open tells so',
      within: 'openFiles',
      code: "=== 'EMFILE' ? most",
      instead: "=== 'EMFILE' ? null",
    },
  ]),
  ...guardsOf(
    'src/workers/pool.ts',
    ['test/workers/lifecycle.test.ts'],
    [
      {
        breaks: 'no worker with a job is let go because the load asks for fewer',
        within: 'drainIdle',
        code: "state.is !== 'idle' || ",
        instead: "state.is !== 'idle' ? false : ",
      },
      {
        breaks: 'of too many workers the newest get no more jobs',
        within: 'createPool',
        code: 'current().slice(0, placement.workers.max)',
        instead: 'current()',
      },
    ],
  ),
  ...guardsOf(
    'src/workers/inside/cell.ts',
    ['test/workers/lifecycle.test.ts'],
    [
      {
        breaks: 'a cell is taken before the host when memory runs out',
        code: 'raiseOomScore(OOM_SCORES.cell);',
        instead: '',
      },
    ],
  ),
  ...guardsOf(
    'src/workers/inside/uncaught.ts',
    ['test/workers/left-overs.test.ts'],
    [
      {
        breaks: 'what an ended job left behind ends no other job',
        within: 'uncaught',
        code: 'job?.hasEnded || isOfGarbage(error)',
        instead: 'job === null',
      },
    ],
  ),
  ...guardsOf(
    'src/workers/inside/thrown.ts',
    ['test/workers/restrictions.test.ts'],
    [
      {
        breaks: 'a right that was not given is not asked for again',
        within: 'isPermanent',
        code: '!mayHelp(own)',
        instead: 'false',
      },
    ],
  ),
  ...guardsOf(
    'src/workers/inside/stack-map.ts',
    ['test/workers/stack-map.test.ts'],
    [
      {
        breaks: 'a stack is mapped with the map that lies there now',
        within: 'mapOf',
        code: 'known?.state === state',
        instead: 'known',
      },
    ],
  ),
  ...guardsOf(
    'src/telemetry/journal.ts',
    ['test/telemetry/journal.test.ts'],
    [
      {
        breaks: 'the log goes on after a full disk',
        within: 'countLosses',
        code: 'dropped++;',
        instead: 'dropped++; return;',
      },
    ],
  ),
  ...guardsOf('src/gateway/origins/origins.ts', ORIGINS, [
    {
      breaks: 'a probe whose job ended is free again',
      within: 'ended',
      code: 'if (isOver)',
      instead: 'if (isOver && time.now() < 0)',
    },
    {
      breaks: 'a call that carries a secret goes to nobody else',
      within: 'admit',
      code: 'alone ? { chain: [originRecord], barred: [] } :',
      instead: '',
    },
    {
      breaks: 'nobody is asked instead whom the agent may not reach',
      within: 'chainOf',
      code: 'if (mayReach(origin)) chain.push(records.of(origin));',
      instead: 'chain.push(records.of(origin)); if (mayReach(origin)) continue;',
    },
  ]),
  ...guardsOf(
    'src/gateway/exec/broker-supervisor.ts',
    ['test/gateway/kill.test.ts'],
    [
      {
        breaks: 'a copy leaves the commands of the original alone',
        within: 'ownRecords',
        code: 'const own = found.filter(',
        instead: 'const own = found; found.filter(',
      },
    ],
  ),
  ...guardsOf(
    'src/gateway/models/inside/upstream.ts',
    ['test/gateway/models/faults.test.ts'],
    [
      {
        breaks: 'a request that timed out is not sent, and paid, once more',
        within: 'broken',
        code: 'if (isSettled) return;',
        instead: '',
      },
    ],
  ),
];
