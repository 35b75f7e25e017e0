import type { Mutation } from './mutation.ts';

const UNREADABLE = ['test/store/unreadable.test.ts'];
const CHECKS = ['test/store/checks.test.ts'];
const UNITS = ['test/kernel/units.test.ts'];

/** Guards of values: what is read at the doors, what is stored, and what cannot be read. */
export const ofValues: readonly Mutation[] = [
  {
    breaks: 'a length of time has a bound: values',
    file: 'src/kernel/units.ts',
    text: 'return ms <= bounds.most ? ms : `is longer than',
    instead: 'return ms >= 0 ? ms : `is longer than',
    caughtBy: UNITS,
  },
  {
    breaks: 'a count is whole and safe: values',
    file: 'src/kernel/bounds.ts',
    text: 'return Number.isSafeInteger(value) && (value as number) >= least',
    instead: 'return (value as number) >= least',
    caughtBy: UNITS,
  },
  {
    breaks: 'the host reads the arguments of every op: values',
    file: 'src/host/api/handlers.ts',
    text: 'handler(readArgs(op, args), call)',
    instead: 'handler((args ?? {}) as never, call)',
    caughtBy: ['test/operations/arguments.test.ts'],
  },
  {
    breaks: 'the store checks before it writes: values',
    file: 'src/store/checks.ts',
    text: 'if (!checks) return;',
    instead: 'if (!checks || true) return;',
    caughtBy: CHECKS,
  },
  {
    breaks: 'a worker whose clock counts fractions has ends that can be stored: values',
    file: 'src/jobs/bounded-end.ts',
    text: 'Math.floor(at)',
    instead: 'at',
    caughtBy: ['test/jobs/bounded-end.test.ts'],
  },
  {
    breaks: 'a call that meets a row which cannot be read is made again: values',
    file: 'src/store/sqlite/inside/group.ts',
    text: 'unread.length > 0 && isWriter ? setAside() : 0',
    instead: '0',
    caughtBy: UNREADABLE,
  },
  {
    breaks: 'a time that no Date has is no time of a job: values',
    file: 'src/store/sqlite/inside/jobs/row.ts',
    text: 'mustBeInstants(row.queued_at, row.run_at, row.stale_at, row.slot, row.started_at, row.finished_at);',
    instead: '',
    caughtBy: UNREADABLE,
  },
  {
    breaks: 'a pause without a readable end holds: values',
    file: 'src/store/sqlite/inside/aside/rules.ts',
    text: "vital: {},\n    mended: { ...time('until', 'NULL')",
    instead: "vital: { until: noTime('until') },\n    mended: { ...time('until', 'NULL')",
    caughtBy: UNREADABLE,
  },
  {
    breaks: 'a job keeps its number: values',
    file: 'src/store/sqlite/inside/aside/rules.ts',
    text: "vital: { id: noRow('id') },\n    mended: {\n      state: {\n        isBad: notAmong('state', ['queued'",
    instead:
      "vital: { id: noRow('id'), run_at: noTime('run_at') },\n    mended: {\n      state: {\n        isBad: notAmong('state', ['queued'",
    caughtBy: UNREADABLE,
  },
];
