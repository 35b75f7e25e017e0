import type { Mutation } from './mutation.ts';

const SLOTS = 'test/schedule/slot-states.test.ts';
const DECIDE = 'test/schedule/decide.test.ts';
const LAWS = 'test/store/sqlite.test.ts';
const INSIDE = 'src/store/sqlite/inside';

/** Guards of slots and times. */
export const ofSchedule: readonly Mutation[] = [
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
  {
    breaks: 'an abbreviation is no time zone',
    file: 'src/kernel/cron/zone-name.ts',
    text: 'if (short !== undefined) {',
    instead: 'if (short === name) {',
    caughtBy: ['test/kernel/zones.test.ts'],
  },
  {
    breaks: 'an agent whose slots cannot be planned is not ok',
    file: 'src/schedule/planning.ts',
    text: "    case 'failed':\n      return planning.fault;\n",
    instead: "    case 'failed':\n      return undefined;\n",
    caughtBy: ['test/schedule/law.test.ts'],
  },
  {
    breaks: 'slots of one agent that a store refuses keep no other agent out',
    file: 'src/schedule/write-ahead.ts',
    text: '    const written: SlotRef[] = [];\n',
    instead: '    if (ahead.length > 0) throw error;\n    const written: SlotRef[] = [];\n',
    caughtBy: ['test/schedule/law.test.ts'],
  },
  {
    breaks: 'a step beyond its field is refused',
    file: 'src/kernel/cron/grammar.ts',
    text: '  if (step <= count) return plain;\n',
    instead: '  if (step > 0) return plain;\n',
    caughtBy: ['test/kernel/cron-forms.test.ts'],
  },
  {
    breaks: 'a field of days that begins with * wants both days',
    file: 'src/kernel/cron/next.ts',
    text: 'return fields.needsBoth ? ',
    instead: 'return false as boolean ? ',
    caughtBy: ['test/kernel/cron-forms.test.ts', 'test/kernel/cron-next.test.ts'],
  },
  {
    breaks: 'the weekday nearest to a day stays in its month',
    file: 'src/kernel/cron/day-words.ts',
    text: 'return day > 1 ? day - 1 : day + 2;',
    instead: 'return day - 1;',
    caughtBy: ['test/kernel/cron-forms.test.ts'],
  },
  {
    breaks: 'a one-shot that ran is done, however the clock is set',
    file: 'src/schedule/schedule.ts',
    text: 'timetable.hasEnd ? settledTo : 0',
    instead: '0 * settledTo',
    caughtBy: ['test/schedule/law.test.ts'],
  },
  {
    breaks: 'overlap: queue queues up to its bound',
    file: 'src/schedule/decide.ts',
    text: 'earlier.length + queued >= most',
    instead: 'earlier.length + queued >= most * 1e6',
    caughtBy: ['test/schedule/decide.test.ts'],
  },
];
