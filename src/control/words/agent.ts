import { type Clock, relative, shortTime } from '../../kernel/clock.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { AgentView, JobView, StatusView } from '../protocol.ts';

/** States that a person has to look at. */
const ALARMING = new Set(['late', 'failed', 'quarantined', 'unscheduled', 'needs setup']);
/** Those of them that an open incident tells of. */
const MUTABLE = new Set(['late', 'quarantined', 'unscheduled']);

/** True when something waits for a person: exit code 3. */
export function needsYou(status: StatusView): boolean {
  return (
    status.incidents.open > 0 ||
    status.problems.some((problem) => needsSomebody(problem.code)) ||
    status.agents.some((agent) => agent.problem || agent.dead > 0 || isAlarming(agent))
  );
}

/** True for an agent in a state that a person has to look at, unless the cause of that state is muted. */
export function isAlarming({ state, mutedUntil }: { state: string; mutedUntil?: string | null | undefined }): boolean {
  return ALARMING.has(state) && !(mutedUntil && MUTABLE.has(state));
}

/** A plugin that nothing triggers is worth a line, not an alarm. */
export function needsSomebody(code: string): boolean {
  return !code.includes('IDLE');
}

/** `retrying 2/5`, `waiting`, `running`. */
export function stateWords({ state, lastJob }: AgentView): string {
  if (state === 'retrying' && (lastJob?.waitsFor || lastJob?.waits)) return 'waiting';
  return state === 'retrying' && lastJob ? `retrying ${lastJob.attempt}/${lastJob.attempts}` : state;
}

/** `12:04 0.2s`, `11:40 failed`, `running 12s`. */
export function lastRun(job: JobView | null, clock: Clock): string {
  if (!job) return '–';
  if (job.state === 'running' && job.startedAt) {
    return `running ${relative(Date.parse(job.startedAt), clock).replace(/ ago$/, '')}`;
  }
  const at = job.finishedAt ?? job.startedAt;
  if (!at) return 'queued';
  const time = shortTime(Date.parse(at), clock);
  if (job.waitsFor) return `${time} held up`;
  if (job.state === 'dead' || job.state === 'retrying') return `${time} failed`;
  if (job.state === 'cancelled') return `${time} cancelled`;
  return job.durationMs === null ? time : `${time} ${formatDuration(job.durationMs)}`;
}

/** `44/128 MB`; a dash for what is not known. */
export function memoryWords({ memory }: AgentView): string {
  if (memory.usedBytes === null) return '–';
  const used = formatSize(memory.usedBytes);
  const limit = formatSize(memory.limitBytes);
  const [number, unit] = used.split(' ');
  return limit.endsWith(` ${unit}`) ? `${number}/${limit}` : `${used}/${limit}`;
}

/** `2 → 4 workers 12s ago: they were at work 98 % of their time, …`; null: the number has not changed. */
export function scalingWords({ scaling }: AgentView, clock: Clock): string | null {
  if (!scaling?.change) return null;
  const { at, from, to, why } = scaling.change;
  return `${from} → ${to} ${to === 1 ? 'worker' : 'workers'} ${relative(Date.parse(at), clock)}: ${why}`;
}

/** Whether a file says that the agent is off; an agent that is wrong is off as well, and is another matter. */
export function isSwitchedOff({ state, problem, why }: AgentView): boolean {
  return state === 'off' && problem === null && why.startsWith(OFF_IN);
}

/** The place of the line that switches the agent off: `agents/shop.yaml:3`. */
export function offPlaceOf({ why }: AgentView): string {
  return why.slice(OFF_IN.length);
}

/** How the catalog begins the reason of such an agent. */
const OFF_IN = 'switched off in ';
