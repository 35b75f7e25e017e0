import { guardsOf, type Mutation } from './mutation.ts';

const JOBS = ['test/jobs/jobs.test.ts'];

/** Guards of the dispatcher, of the schedule and of healing. */
export const ofJobs: readonly Mutation[] = [
  ...guardsOf('src/jobs/jobs.ts', JOBS, [
    {
      breaks: 'what nobody holds any more is taken over',
      within: 'takeOver',
      code: 'await store.abandoned(owner)',
      instead: '(await store.abandoned(owner)).slice(0, 0)',
    },
  ]),
  ...guardsOf('src/jobs/attempt-ends.ts', JOBS, [
    {
      breaks: 'what stopped with the host is given back',
      within: 'ended',
      code: 'if (isGivenBack) stopped',
      instead: 'if (false) stopped',
    },
    {
      breaks: 'a retry gets its pause by chance',
      within: 'toSettlement',
      code: 'time.random()',
      instead: '0.5',
      caughtBy: ['test/jobs/chance.test.ts'],
    },
  ]),
  ...guardsOf('src/jobs/claims.ts', JOBS, [
    {
      breaks: 'no more is claimed than there is room for',
      within: 'requestFor',
      code: '      limit,',
      instead: '      limit: limit + 1,',
    },
  ]),
  ...guardsOf(
    'src/store/sqlite/clock.ts',
    ['test/store/clock.test.ts', 'test/store/set-back.test.ts'],
    [
      {
        breaks: 'a clock that is set back holds up nothing that waits',
        within: 'look',
        code: '> SMALL_MS',
        instead: '> 1e15',
      },
    ],
  ),
  ...guardsOf(
    'src/jobs/chains.ts',
    ['test/jobs/chain.test.ts'],
    [
      {
        breaks: 'a chain of jobs ends at its bound',
        within: 'admit',
        code: 'depth > deepest',
        instead: 'depth > deepest * 2',
      },
    ],
  ),
  ...guardsOf(
    'src/schedule/scheduled-agents.ts',
    ['test/schedule/law.test.ts'],
    [
      {
        breaks: 'slots of one agent that a store refuses keep no other agent out',
        within: 'writeAhead',
        code: 'const written: SlotRef[] = [];',
        instead: 'if (ahead.length > 0) throw error; const written: SlotRef[] = [];',
      },
    ],
  ),
  ...guardsOf(
    'src/schedule/schedule.ts',
    ['test/schedule/law.test.ts'],
    [
      {
        breaks: 'a one-shot that ran is done, however the clock is set',
        within: 'planningOf',
        code: 'timetable.hasEnd ? settledTo : 0',
        instead: '0 * settledTo',
      },
    ],
  ),
  ...guardsOf(
    'src/healing/pressure/pressure.ts',
    ['test/healing/pressure/pressure.test.ts'],
    [
      {
        breaks: 'what helps by being done again is done each ten seconds, not at each look',
        within: 'help',
        code: 'now - helpedAt < AGAIN_MS',
        instead: 'false',
      },
      {
        breaks: 'under pressure background agents wait, and no others',
        within: 'pressureOn',
        code: "of === 'background' && ",
        instead: '',
      },
    ],
  ),
  ...guardsOf(
    'src/healing/origin-watch.ts',
    ['test/healing/origins.test.ts'],
    [{ breaks: 'an outage that a person has closed stays closed', within: 'look', code: 'isSame ||', instead: '' }],
  ),
];
