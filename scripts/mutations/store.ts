import { guardsOf, type Mutation } from './mutation.ts';

const LAWS = ['test/store/sqlite.test.ts'];
const JOB_LAWS = ['test/store/histories.test.ts', ...LAWS];
const SLOT_LAWS = ['test/schedule/slot-states.test.ts', ...LAWS];
const UNREADABLE = ['test/store/unreadable.test.ts'];

const jobs: readonly Mutation[] = [
  ...guardsOf('src/store/sqlite/inside/jobs/settle.ts', JOB_LAWS, [
    {
      breaks: 'the fence, in SQL: the number of the attempt',
      within: 'fence',
      code: 'attempt = ?',
      instead: 'attempt >= ?',
    },
    { breaks: 'the fence, in SQL: the job still runs', within: 'fence', code: "AND state = 'running'", instead: '' },
  ]),
  ...guardsOf('src/store/sqlite/inside/jobs/add.ts', JOB_LAWS, [
    {
      breaks: 'a key makes one job',
      within: 'insertOne',
      code: 'pushRow(values, flat, i, now);',
      instead: 'pushRow(values, flat, i, now); values[8] = null;',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/jobs/claim.ts', JOB_LAWS, [
    {
      breaks: 'a claim takes only what is due, in SQL',
      within: 'due',
      code: 'run_at <= ?',
      instead: 'run_at <= ? + 50',
    },
    { breaks: 'what is stale is not started', within: 'expires', code: 'until >= now', instead: 'until >= 0' },
    {
      breaks: 'a claim takes no row between those that it takes',
      within: 'takeLevel',
      code: 'if (row !== last + 1)',
      instead: 'if (last === -1)',
    },
    {
      breaks: 'each attempt has a number of its own',
      within: 'take',
      code: 'attempt = attempt + 1',
      instead: 'attempt = max(attempt, 1)',
    },
    {
      breaks: 'a given back attempt costs nothing, in SQL',
      within: 'giveBack',
      code: 'attempt = attempt - 1',
      instead: 'attempt = attempt',
      caughtBy: [...JOB_LAWS, 'test/jobs/jobs.test.ts'],
    },
    {
      breaks: 'an attempt that lost its job cannot renew its lease',
      within: 'extend',
      code: "AND state = 'running'",
      instead: '',
    },
    {
      breaks: 'jobs below the least priority stay where they are',
      within: 'claimFor',
      code: '|| found[0] < least',
      instead: '',
      caughtBy: LAWS,
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/jobs/read.ts', JOB_LAWS, [
    {
      breaks: 'a lease that is over counts as abandoned',
      within: 'abandoned',
      code: 'lease_until <= ?1',
      instead: 'lease_until <= ?1 - 1000000',
    },
    {
      breaks: 'another host leaves what a host holds alone',
      within: 'abandoned',
      code: ' AND substr(owner, 1, length(?3)) = ?3',
      instead: '',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/jobs/change.ts', JOB_LAWS, [
    {
      breaks: 'an attempt of the former life cannot end the new one',
      within: 'redrive',
      code: 'attempts = attempt + allowed',
      instead: 'attempt = 0, attempts = allowed',
    },
    {
      breaks: 'no job comes back while another has its key',
      within: 'redrive',
      code: 'other.key = job.freed_key',
      instead: "other.key = 'no such key'",
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/jobs/row.ts', JOB_LAWS, [
    {
      breaks: 'a cancelled job keeps no key',
      within: 'FREE_KEY',
      code: 'coalesce(key, freed_key), key = NULL',
      instead: 'freed_key',
    },
    {
      breaks: 'a time that no Date has is no time of a job: values',
      within: 'jobOf',
      code: 'mustBeInstants(',
      instead: 'void (',
      caughtBy: UNREADABLE,
    },
  ]),
];

const others: readonly Mutation[] = [
  ...guardsOf('src/store/sqlite/inside/records.ts', LAWS, [
    { breaks: 'the fence of effects: the job still runs', within: 'held', code: "AND state = 'running'", instead: '' },
    {
      breaks: 'the fence of effects: the number of the attempt',
      within: 'held',
      code: 'attempt = ?',
      instead: 'attempt >= ?',
    },
    {
      breaks: 'an effect whose result could not be kept is not handed out as nothing',
      within: 'beginEffect',
      code: 'known.problem === null',
      instead: 'known.problem !== undefined',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/group.ts', UNREADABLE, [
    {
      breaks: 'what only asks is answered beside writes that a full disk refuses',
      within: 'carryOut',
      code: 'return readsOnly(calls, storeFault(thrown, file));',
      instead:
        'const refused = storeFault(thrown, file); return { values: new Array(calls.length), faults: calls.map((_, i) => [i, refused]) };',
      caughtBy: ['test/store/trouble.test.ts'],
    },
    {
      breaks: 'a call that meets a row which cannot be read is made again: values',
      within: 'count',
      code: 'setAside()',
      instead: '0',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/incidents.ts', LAWS, [
    {
      breaks: 'the trouble that another host holds is one incident',
      within: 'openIncident',
      code: 'if (other) return',
      instead: 'if (other && isNaN(now)) return',
    },
    {
      breaks: 'a host that has lost an incident writes nothing into it',
      within: 'updateIncident',
      code: 'throw incidentHeld(id);',
      instead: 'return;',
    },
    {
      breaks: 'an incident is taken over only when nobody holds it, in SQL',
      within: 'hold',
      code: 'lease_until < ?4',
      instead: 'lease_until < ?4 + 99999999',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/records.ts', LAWS, [
    {
      breaks: 'the end of a pause that comes late takes no newer pause along',
      within: 'resume',
      code: 'AND (?2 IS NULL OR until = ?2)',
      instead: 'AND (?2 IS NULL OR true)',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/slots.ts', SLOT_LAWS, [
    {
      breaks: 'a store asks before it writes the end of a slot',
      within: 'decideOne',
      code: 'if (!mayEnd(before, state)) return undefined;',
      instead: 'void mayEnd(before, state);',
    },
    {
      breaks: 'a cancelled slot comes back only before its time, in SQL',
      within: 'plan',
      code: 'AND slot.due > ?3',
      instead: '',
    },
    {
      breaks: 'planning leaves a slot alone that has its end',
      within: 'plan',
      code: "slot.state = 'cancelled' AND",
      instead: '',
      caughtBy: ['test/schedule/slot-states.test.ts'],
    },
    {
      breaks: 'cancelling leaves a slot alone that has its end',
      within: 'cancel',
      code: "AND state = 'planned'",
      instead: '',
    },
  ]),
  ...guardsOf('src/store/sqlite/inside/aside/rules.ts', UNREADABLE, [
    {
      breaks: 'a pause without a readable end holds: values',
      within: 'pause',
      code: 'required: {}',
      instead: "required: { until: noTime('until') }",
    },
    {
      breaks: 'a job keeps its number: values',
      within: 'job',
      code: "required: { id: noRow('id') }",
      instead: "required: { id: noRow('id'), run_at: noTime('run_at') }",
    },
  ]),
];

/** Guards of the SQLite store. */
export const ofStore: readonly Mutation[] = [...jobs, ...others];
