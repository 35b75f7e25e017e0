import type { ScheduleSpec } from '../jobs/agent.ts';
import { notesOn } from '../kernel/cron/check.ts';
import { timetableOf } from '../kernel/cron/timetable.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Resolved } from './resolve/agent.ts';

/** A schedule is read once: with a thousand agents, one save must not read all of them anew. */
const read = new WeakMap<ScheduleSpec, { notes: string[]; text: string }>();

/** What a reader of an agent's schedule could take for something else. */
export function scheduleNotes(agents: ReadonlyMap<string, Resolved>): PlainFault[] {
  return [...agents].flatMap(([name, { agent, origins }]) => {
    const { schedule } = agent;
    if (!schedule) return [];
    const { notes, text } = readingOf(schedule);
    const said = origins.find(({ path, origin }) => (path === 'schedule' || path === 'at') && origin !== 'default');
    const [file, line] = said?.origin.split(':') ?? [];
    return notes.map((note) => ({
      code: 'SCHEDULE_NOTE',
      message: `the schedule of ${name}, ${text}: ${note}`,
      ...(file ? { file } : {}),
      ...(line ? { line: Number(line) } : {}),
    }));
  });
}

function readingOf(schedule: ScheduleSpec) {
  const known = read.get(schedule);
  if (known) return known;
  const reading = readOnce(schedule);
  read.set(schedule, reading);
  return reading;
}

/** A schedule that cannot be kept is told by status and incidents. */
function readOnce(schedule: ScheduleSpec) {
  try {
    const timetable = timetableOf(schedule);
    return { notes: notesOn(timetable), text: timetable.text };
  } catch {
    return { notes: [], text: '' };
  }
}
