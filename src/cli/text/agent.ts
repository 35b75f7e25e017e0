import type { AgentView, JobView } from '../../control/protocol.ts';
import { memoryWords, scalingWords, stateWords } from '../../control/words/agent.ts';
import { billWords, monthWords } from '../../control/words/bill.ts';
import { inputWords } from '../../control/words/input.ts';
import { needWord } from '../../control/words/need.ts';
import { nextTime } from '../../kernel/clock.ts';
import { shortId } from '../../kernel/short-id.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Stage } from '../ports.ts';
import { faultLines } from './fault.ts';
import { jobTable } from './job.ts';
import { type Look, paintMarks, spark } from './status.ts';
import { type Facts, factLines, pad, widthOf } from './width.ts';

/** Facts beside the status, for an agent in full. */
interface AgentDetails {
  values: { path: string; value: unknown; origin: string }[];
  jobs: JobView[];
}

const NEWEST_JOBS = 5;

/** Asks for them; what cannot be had is left out. */
export async function agentFacts(stage: Stage, agent: string, down: boolean): Promise<AgentDetails> {
  if (down) return { values: [], jobs: [] };
  const [config, jobs] = await Promise.all([
    stage.ask('configShow', { agent }).catch(() => ({ values: [] })),
    stage.ask('jobs', { agent, limit: NEWEST_JOBS }).catch(() => []),
  ]);
  return { values: config.values, jobs };
}

/** An agent in full: its plugin and figures, the reason for its state, the next steps. */
export function agentLines(agent: AgentView, details: AgentDetails, look: Look): string[] {
  const { paint, clock, width } = look;
  const { sign, style } = signOf(agent.state);
  const left = `${sign} ${agent.name}  ${stateWords(agent)}`;
  const right = [`plugin ${agent.plugin}`, agent.version && `version ${shortId(agent.version)}${rolloutWords(agent)}`]
    .filter(Boolean)
    .join('  ');
  const gap = ' '.repeat(Math.max(3, Math.min(width, 90) - widthOf(left) - right.length));
  const next = agent.nextSlot ? `next ${nextTime(Date.parse(agent.nextSlot), clock)}` : 'no next run';
  const schedule = agent.schedule && [agent.schedule, agent.range, agent.timezone, next].filter(Boolean).join(' · ');
  const { now, min, max } = agent.workers;
  const above: Facts = [
    ['about', agent.about],
    ['schedule', schedule || 'none'],
    ['input', agent.input ? inputWords(agent) : null],
    ['limits', limitWords(details.values)],
    ['needs', needWords(details.values)],
    ['workers', `${now} now, ${min} to ${max} · memory ${memoryWords(agent)}`],
    ['scaling', scalingWords(agent, clock)],
    ['postgres', poolWords(agent)],
  ];
  const waiting = `${agent.waiting ?? agent.queued} waiting`;
  const below: Facts = [
    ['queue', `${waiting} · ${agent.dead} dead ${agent.dead === 1 ? 'letter' : 'letters'}`],
    ['today', agent.bill ? billWords(agent.bill.today) : null],
    ['month', agent.bill ? monthWords(agent.bill) : null],
    ['why', agent.why],
  ];
  const lines = [
    `${paint(style, sign)} ${paint('bold', agent.name)}  ${paint(style, stateWords(agent))}${gap}${paint('dim', right)}`,
    ...factLines(above, width),
    `  ${pad('24 h', 10)} ${dayWords(agent, look)}`,
    ...factLines(below, width),
  ];
  if (agent.problem) lines.push('', ...faultLines(agent.problem, paint));
  if (details.jobs.length > 0) lines.push('', ...jobTable(details.jobs, look));
  lines.push('', `  ${paint('cyan', '→')} ${nextSteps(agent).join('   ')}`);
  return lines;
}

/** Connections to PostgreSQL; null for an agent without a pool. */
function poolWords({ pools }: AgentView): string | null {
  if (!pools) return null;
  const { held, idle, waiting, max, takenBack } = pools;
  const left = takenBack === 0 ? [] : [`${takenBack} taken back from jobs that did not release them`];
  return [`${held} of ${max} connections in use`, `${idle} idle`, `${waiting} waiting`, ...left].join(' · ');
}

/** A good version needs no word. */
function rolloutWords({ rollout }: AgentView): string {
  const words: Record<string, string> = {
    probation: 'on probation',
    pinned: 'held by hand',
    'rolled-back': 'rolled back',
  };
  const word = rollout ? words[rollout] : undefined;
  return word ? ` (${word})` : '';
}

function dayWords(agent: AgentView, { paint }: Look): string {
  const done = agent.hours.reduce((sum, hour) => sum + hour.done, 0);
  const dead = agent.hours.reduce((sum, hour) => sum + hour.dead, 0);
  const parts = [`${done} done`, `${dead} dead`];
  if (agent.p95Ms !== null) parts.push(`p95 ${formatDuration(agent.p95Ms)}`);
  return `${parts.join(' · ')}   ${paintMarks(spark(agent.hours), paint)}`;
}

function nextSteps({ name, state, dead, lastJob }: AgentView): string[] {
  if (state === 'paused') return [`daruma resume ${name}`];
  if (state === 'quarantined') return [`daruma logs ${name}`, `daruma resume ${name}`];
  if (dead > 0) return [`daruma dlq`, `daruma logs ${name} --level error`];
  if (lastJob?.trigger === 'always') return [`daruma logs ${name} -f`, `daruma restart ${name}`];
  return [`daruma run ${name} --wait`, `daruma logs ${name} -f`];
}

function limitWords(values: AgentDetails['values']): string | null {
  const words = values
    .filter(({ path, value }) => path.startsWith('limits.') && value !== null && value !== undefined)
    .map(({ path, value }) => `${path.slice('limits.'.length)} ${needWord(value)}`);
  return words.length > 0 ? words.join(' · ') : null;
}

function needWords(values: AgentDetails['values']): string | null {
  const words = values
    .filter(({ path, value }) => path.startsWith('needs.') && !(Array.isArray(value) && value.length === 0) && value)
    .map(({ path, value }) => `${path.slice('needs.'.length)} ${needWord(value)}`);
  return words.length > 0 ? words.join(' · ') : null;
}
