/** One guard, broken on purpose. */
export interface Mutation {
  /** What the code does not hold to any more. */
  breaks: string;
  file: string;
  /** Stands exactly once in the file. */
  text: string;
  instead: string;
  /** Test files of which each has to fail. */
  caughtBy: string[];
}

const STATES = 'test/jobs/states.test.ts';
const STEP = 'test/jobs/step.test.ts';
const JOBS = 'test/jobs/jobs.test.ts';
const SLOTS = 'test/schedule/slot-states.test.ts';
const DECIDE = 'test/schedule/decide.test.ts';
const HISTORIES = 'test/store/histories.test.ts';
const LAWS = 'test/store/sqlite.test.ts';
const INSIDE = 'src/store/sqlite/inside';

const law: Mutation[] = [
  {
    breaks: 'attempts ≤ limit',
    file: 'src/jobs/job-state.ts',
    text: 'life.attempt >= life.attempts',
    instead: 'life.attempt > life.attempts',
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
    text: 'limit: room }',
    instead: 'limit: room + 1 }',
    caughtBy: [JOBS],
  },
];

const store: Mutation[] = [
  {
    breaks: 'the fence, in SQL: the number of the attempt',
    file: `${INSIDE}/jobs/settle.ts`,
    text: "AND attempt = ? AND state = 'running'",
    instead: "AND attempt >= ? AND state = 'running'",
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'the fence, in SQL: the job still runs',
    file: `${INSIDE}/jobs/settle.ts`,
    text: "AND attempt = ? AND state = 'running'",
    instead: 'AND attempt = ?',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'a key makes one job',
    file: `${INSIDE}/jobs/add.ts`,
    text: '?6, ?7, ?8, ?9, ?10)',
    instead: '?6, ?7, iif(EXISTS (SELECT 1 FROM job WHERE agent = ?1 AND key = ?8), NULL, ?8), ?9, ?10)',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'a claim takes only what is due, in SQL',
    file: `${INSIDE}/jobs/claim.ts`,
    text: 'AND priority = ? AND run_at <= ?',
    instead: 'AND priority = ? AND run_at <= ? + 50',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'what is stale is not started',
    file: `${INSIDE}/jobs/claim.ts`,
    text: 'staleAt !== null && staleAt < now',
    instead: 'staleAt !== null && staleAt < 0',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'each attempt has a number of its own',
    file: `${INSIDE}/jobs/claim.ts`,
    text: 'take.run(before + 1,',
    instead: 'take.run(Math.max(before, 1),',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'a given back attempt costs nothing, in SQL',
    file: `${INSIDE}/jobs/claim.ts`,
    text: 'attempt = attempt - 1, version',
    instead: 'attempt = attempt, version',
    caughtBy: [HISTORIES, LAWS, JOBS],
  },
  {
    breaks: 'an attempt that lost its job cannot renew its lease',
    file: `${INSIDE}/jobs/claim.ts`,
    text: "SET lease_until = ? WHERE id = ? AND attempt = ? AND state = 'running'",
    instead: 'SET lease_until = ? WHERE id = ? AND attempt = ?',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'a lease that is over counts as abandoned',
    file: `${INSIDE}/jobs/read.ts`,
    text: '(owner <> ? OR lease_until <= ?)',
    instead: '(owner <> ? OR lease_until <= ? - 1000000)',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'an attempt of the former life cannot end the new one',
    file: `${INSIDE}/jobs/change.ts`,
    text: 'attempts = attempt + allowed',
    instead: 'attempt = 0, attempts = allowed',
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'the fence of effects: the job still runs',
    file: `${INSIDE}/effects.ts`,
    text: "AND attempt = ? AND state = 'running'",
    instead: 'AND attempt = ?',
    caughtBy: [LAWS],
  },
  {
    breaks: 'the fence of effects: the number of the attempt',
    file: `${INSIDE}/effects.ts`,
    text: "AND attempt = ? AND state = 'running'",
    instead: "AND attempt >= ? AND state = 'running'",
    caughtBy: [LAWS],
  },
];

const slots: Mutation[] = [
  {
    breaks: 'a slot ends once, and asks for one job',
    file: 'src/schedule/slot-state.ts',
    text: 'return ENDS[was].includes(end);',
    instead: "return ENDS[was].includes(end) || was !== 'unwritten';",
    caughtBy: [SLOTS, LAWS],
  },
  {
    breaks: 'a store asks before it writes the end of a slot',
    file: `${INSIDE}/slots.ts`,
    text: '    if (!mayEnd(before, state)) return undefined;\n',
    instead: '    void mayEnd(before, state);\n',
    caughtBy: [SLOTS, LAWS],
  },
  {
    breaks: 'a cancelled slot comes back only before its time, in SQL',
    file: `${INSIDE}/slots.ts`,
    text: "WHERE slot.state = 'cancelled' AND slot.due > ?3",
    instead: "WHERE slot.state = 'cancelled'",
    caughtBy: [SLOTS, LAWS],
  },
  {
    breaks: 'planning leaves a slot alone that has its end',
    file: `${INSIDE}/slots.ts`,
    text: "WHERE slot.state = 'cancelled' AND slot.due > ?3",
    instead: 'WHERE slot.due > ?3',
    caughtBy: [SLOTS],
  },
  {
    breaks: 'cancelling leaves a slot alone that has its end',
    file: `${INSIDE}/slots.ts`,
    text: "AND due > ? AND state = 'planned'",
    instead: 'AND due > ?',
    caughtBy: [SLOTS, LAWS],
  },
  {
    breaks: 'the next time comes after the one before',
    file: 'src/kernel/cron/next.ts',
    text: '(Math.floor((start + stretch.offset) / SECOND) + 1) * SECOND',
    instead: 'Math.floor((start + stretch.offset) / SECOND) * SECOND',
    caughtBy: ['test/kernel/cron-next.test.ts'],
  },
  {
    breaks: 'after an absence no more than ten are caught up',
    file: 'src/schedule/decide.ts',
    text: 'return later < MOST_AT_ONCE\n',
    instead: 'return later <= MOST_AT_ONCE\n',
    caughtBy: [DECIDE],
  },
  {
    breaks: 'overlap: skip leaves a slot whose former job is unfinished',
    file: 'src/schedule/decide.ts',
    text: "overlap === 'skip' && earlier.length > 0",
    instead: "overlap === 'skip' && earlier.length > 1_000",
    caughtBy: ['test/schedule/schedule.test.ts'],
  },
];

export const MUTATIONS: readonly Mutation[] = [...law, ...chance, ...dispatch, ...store, ...slots];
