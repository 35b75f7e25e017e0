import type { Mutation } from './mutation.ts';

const STATES = 'test/jobs/states.test.ts';
const STEP = 'test/jobs/step.test.ts';
const JOBS = 'test/jobs/jobs.test.ts';
const HISTORIES = 'test/store/histories.test.ts';

const law: Mutation[] = [
  {
    breaks: 'attempts ≤ limit',
    file: 'src/jobs/job-state.ts',
    text: 'life.attempt >= attempts',
    instead: 'life.attempt > attempts',
    caughtBy: [STATES, STEP],
  },
  {
    breaks: 'the fence, in the law: an end counts for the attempt that it names',
    file: 'src/jobs/attempt-state.ts',
    text: ' || life.attempt !== event.attempt',
    instead: '',
    caughtBy: [STATES, HISTORIES],
  },
  {
    breaks: 'a lease that holds is not taken for lost',
    file: 'src/jobs/attempt-state.ts',
    text: 'held.leaseUntil <= now',
    instead: 'held.leaseUntil > 0',
    caughtBy: [STATES, HISTORIES],
  },
  {
    breaks: 'a claim takes only what is due, in the law',
    file: 'src/jobs/job-state.ts',
    text: 'life.runAt > now || ',
    instead: '',
    caughtBy: [STATES],
  },
  {
    breaks: 'a given back attempt costs nothing, in the law',
    file: 'src/jobs/job-state.ts',
    text: 'const left = life.attempt - 1;',
    instead: 'const left = life.attempt;',
    caughtBy: [STATES, HISTORIES],
  },
  {
    breaks: 'numbers of attempts go on after a redrive',
    file: 'src/jobs/job-state.ts',
    text: "is: 'queued', runAt: event.now, attempt, attempts: attempt + allowed,",
    instead: "is: 'queued', runAt: event.now, attempt: attempt * 0, attempts: allowed,",
    caughtBy: [STATES, HISTORIES],
  },
  {
    breaks: 'GiveUp is dead at once',
    file: 'src/jobs/step.ts',
    text: 'end.retry === false',
    instead: 'end.retry === 0',
    caughtBy: [STEP],
  },
];

const chance: Mutation[] = [
  {
    breaks: 'the longest pause',
    file: 'src/kernel/backoff.ts',
    text: 'Math.min(backoff.longest, backoff.first * 2 ** Math.min(attempt - 1, 40))',
    instead: 'backoff.first * 2 ** Math.min(attempt - 1, 40)',
    caughtBy: [STATES, STEP, 'test/kernel/backoff.test.ts'],
  },
  {
    breaks: 'chance takes away as often as it adds',
    file: 'src/kernel/backoff.ts',
    text: '1 - BACKOFF_SPREAD + 2 * BACKOFF_SPREAD * chance',
    instead: '1 + BACKOFF_SPREAD * chance',
    caughtBy: [STATES, 'test/kernel/backoff.test.ts'],
  },
  {
    breaks: 'chance uses its whole range',
    file: 'src/kernel/backoff.ts',
    text: '1 - BACKOFF_SPREAD + 2 * BACKOFF_SPREAD * chance',
    instead: '1 - BACKOFF_SPREAD / 2 + BACKOFF_SPREAD * chance',
    caughtBy: [STATES, 'test/kernel/backoff.test.ts'],
  },
];

const dispatch: Mutation[] = [
  {
    breaks: 'what an earlier host left running is taken over',
    file: 'src/jobs/jobs.ts',
    text: '      await takeOver();\n',
    instead: '      void takeOver;\n',
    caughtBy: [JOBS],
  },
  {
    breaks: 'what stopped with the host is given back',
    file: 'src/jobs/jobs.ts',
    text: "outcome.fault.code === 'HOST_STOPPED'",
    instead: "outcome.fault.code === 'NEVER'",
    caughtBy: [JOBS],
  },
  {
    breaks: 'a retry gets its pause by chance',
    file: 'src/jobs/jobs.ts',
    text: '?? BACKOFF_OF_UNKNOWN,\n      time.random(),',
    instead: '?? BACKOFF_OF_UNKNOWN,\n      0.5,',
    caughtBy: ['test/jobs/chance.test.ts'],
  },
  {
    breaks: 'no more is claimed than there is room for',
    file: 'src/jobs/claims.ts',
    text: 'limit: room,',
    instead: 'limit: room + 1,',
    caughtBy: [JOBS],
  },
  {
    breaks: 'a clock that is set back holds up nothing that waits',
    file: 'src/jobs/wall-clock.ts',
    text: 'was - after.wall > SMALL_MS',
    instead: 'was - after.wall > 1e15',
    caughtBy: ['test/jobs/wall-clock.test.ts'],
  },
];

const chains: readonly Mutation[] = [
  {
    breaks: 'who asks to be tried later for a day loses attempts then',
    file: 'src/jobs/later.ts',
    text: 'until - since <= LONGEST_OUTAGE_WAIT_MS && waits',
    instead: 'waits',
    caughtBy: ['test/jobs/later.test.ts'],
  },
  {
    breaks: 'a chain of jobs ends at its bound',
    file: 'src/jobs/chains.ts',
    text: 'if (depth > deepest) {',
    instead: 'if (depth > deepest * 2) {',
    caughtBy: ['test/jobs/chain.test.ts'],
  },
  {
    breaks: 'an agent that made too many jobs makes none for a minute',
    file: 'src/jobs/chain.ts',
    text: 'if (now < before.heldUntil)',
    instead: 'if (now > before.heldUntil + 1e12)',
    caughtBy: ['test/jobs/chain.test.ts'],
  },
];

/** Guards of the job states, of chance, and of the dispatcher. */
export const ofJobs: readonly Mutation[] = [...law, ...chance, ...dispatch, ...chains];
