import type { Mutation } from './mutation.ts';

const JOBS = 'test/jobs/jobs.test.ts';
const HISTORIES = 'test/store/histories.test.ts';
const LAWS = 'test/store/sqlite.test.ts';
const INSIDE = 'src/store/sqlite/inside';

/** Guards of the SQLite store. */
export const ofStore: readonly Mutation[] = [
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
    text: '?6, ?7, ?8, ?9, ?10, ?11, ?12)',
    instead: '?6, ?7, iif(EXISTS (SELECT 1 FROM job WHERE agent = ?1 AND key = ?8), NULL, ?8), ?9, ?10, ?11, ?12)',
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
    text: 'until !== null && until < now',
    instead: 'until !== null && until < 0',
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
  {
    breaks: 'what only asks is answered beside writes that a full disk refuses',
    file: `${INSIDE}/group.ts`,
    text: 'return readsOnly(calls, storeFault(thrown, file));',
    instead:
      'const refused = storeFault(thrown, file); return { values: new Array(calls.length), faults: calls.map((_, place) => [place, refused]) };',
    caughtBy: ['test/store/trouble.test.ts'],
  },
  {
    breaks: 'a cancelled job keeps no key',
    file: `${INSIDE}/jobs/row.ts`,
    text: "'freed_key = coalesce(key, freed_key), key = NULL'",
    instead: "'freed_key = freed_key'",
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'no job comes back while another has its key',
    file: `${INSIDE}/jobs/change.ts`,
    text: 'other.key = job.freed_key)',
    instead: "other.key = 'no such key')",
    caughtBy: [HISTORIES, LAWS],
  },
  {
    breaks: 'an effect whose result could not be kept is not handed out as nothing',
    file: 'src/store/sqlite/inside/effects.ts',
    text: 'known.problem === null ?',
    instead: 'known.problem !== undefined ?',
    caughtBy: ['test/store/sqlite.test.ts'],
  },
];
