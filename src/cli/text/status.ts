import type { AgentView, ConfigView, OriginView, StatusView, WarningView } from '../../control/protocol.ts';
import {
  isSwitchedOff,
  lastRun,
  memoryWords,
  needsSomebody,
  offPlaceOf,
  stateWords,
} from '../../control/words/agent.ts';
import { openAlertWords } from '../../control/words/alert.ts';
import { warningWords } from '../../control/words/warning.ts';
import { type Clock, nextTime, relative, shortTime } from '../../kernel/clock.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { signOf } from '../../kernel/state-sign.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import { faultLines } from './fault.ts';
import type { Paint } from './paint.ts';
import { type Column, type Row, table } from './table.ts';
import { cut, joined, widthOf, wrap } from './width.ts';

/** The moment, the colours and the width for a text. */
export interface Look {
  clock: Clock;
  paint: Paint;
  width: number;
}

/** States whose reason stands under the agent's line. */
const SHOWS_WHY = new Set(['retrying', 'late', 'failed', 'healing', 'quarantined', 'unscheduled']);

const MOST_WHY_LINES = 3;

/**
 * The whole installation: a line about the host, a line for each agent, the problems, and the items that a person has to act
 * on.
 */
export function statusLines(status: StatusView, look: Look): string[] {
  const off = status.agents.filter(isSwitchedOff);
  const others = status.agents.filter((agent) => !isSwitchedOff(agent));
  const agents = others.length > 0 || off.length === 0 ? agentTable(others, look) : [];
  const lines = [...hostLine(status, look), ...agents, ...offLines(off, look)];
  const asides = status.problems.filter((problem) => !status.agents.some((agent) => same(agent.problem, problem)));
  if (asides.length > 0) lines.push('');
  for (const problem of asides) {
    const about = needsSomebody(problem.code) ? '✗' : '·';
    lines.push(...faultLines(problem, look.paint, about));
  }
  const notes = status.notes ?? [];
  if (notes.length > 0) lines.push('', ...notes.flatMap((note) => faultLines(note, look.paint, '·')));
  const pressed = pressureLines(status, look);
  if (pressed.length > 0) lines.push('', ...pressed);
  const alerts = alertLine(status, look);
  if (alerts.length > 0) lines.push('', ...alerts);
  const down = originLines(status.origins ?? [], look);
  if (down.length > 0) lines.push('', ...down);
  const rising = warningLines(status.warnings ?? [], look);
  if (rising.length > 0) lines.push('', ...rising);
  const sums = summary(status);
  if (sums) lines.push('', sums);
  return lines;
}

/** The highest step that pressure has brought, and since when; nothing while there is none. */
function pressureLines({ host }: StatusView, { clock, paint, width }: Look): string[] {
  const highest = host?.pressure?.steps.at(-1);
  if (!highest) return [];
  const since = relative(Date.parse(highest.since), clock);
  const text = `the machine is pressed, rung ${highest.rung} of 6 (${highest.text}) since ${since}: ${highest.seen}`;
  const [first = '', ...more] = wrap(text, width - 2);
  return [paint('yellow', `! ${first}`), ...more.map((line) => `  ${line}`)];
}

/** Agents that are off stand together, each with the line that holds it. */
function offLines(off: readonly AgentView[], { paint, width }: Look): string[] {
  if (off.length === 0) return [];
  const [are, their] = off.length === 1 ? ['agent is', 'its'] : ['agents are', 'their'];
  const title = `${off.length} ${are} off; on without ${their} line "enabled: false":`;
  const places = joined(
    off.map((agent) => `${agent.name} ${offPlaceOf(agent)}`),
    ' · ',
    width - 2,
  );
  return ['', paint('dim', title), ...places.map((line) => paint('dim', `  ${line}`))];
}

function same(one: { message: string } | null, other: { message: string }): boolean {
  return one?.message === other.message;
}

/** A line about the host, in as many lines as it takes. */
export function hostLine({ host, agents, edge }: StatusView, { clock, paint, width }: Look): string[] {
  if (!host) return [];
  const up = formatDuration(Math.max(0, clock.now - Date.parse(host.startedAt)));
  const parts = [
    `daruma ${host.version}`,
    `up ${up}`,
    `host ${formatSize(host.memoryBytes)}`,
    `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'}`,
    `workers ${host.workers} in ${host.cells} ${host.cells === 1 ? 'cell' : 'cells'}`,
    `queue ${host.waiting ?? host.queued}`,
    `event loop ${Math.round(host.loopLagMs)} ms`,
  ];
  const count = host.room?.waiting.length ?? 0;
  if (count > 0)
    parts.push(`${count} ${count === 1 ? 'agent waits' : 'agents wait'} for one of ${host.room!.most} workers`);
  const config = configLine(host.config, clock, paint);
  return [...joined(parts, ' · ', width), ...(edge ? [`page ${edge.url}`] : []), ...(config ? [config] : []), ''];
}

function agentTable(agents: AgentView[], look: Look): string[] {
  if (agents.length === 0)
    return ['no agents yet', `  ${look.paint('cyan', '→')} daruma new hello --schedule "* * * * *"`];
  const full = tableOf(agents, look, 24);
  return full.some((line) => widthOf(line) > look.width) ? tableOf(agents, look, 12) : full;
}

/** A title, and a line for each agent with nothing below it. */
export function briefTable(agents: AgentView[], look: Look): string[] {
  const full = tableOf(agents, look, 24, true);
  return full.some((line) => widthOf(line) > look.width) ? tableOf(agents, look, 12, true) : full;
}

function tableOf(agents: AgentView[], look: Look, places: number, isBrief = false): string[] {
  const { paint, clock } = look;
  const columns: Column[] = [
    '',
    { title: 'AGENT', atLeast: 16 },
    'STATE',
    { title: 'LAST RUN', drop: 4 },
    { title: 'NEXT', drop: 5 },
    { title: 'P95', right: true, drop: 2 },
    { title: 'MEMORY', drop: 3 },
    { title: '24 H', drop: 1 },
  ];
  const rows = agents.map((agent): Row => {
    const { sign, style } = signOf(agent.problem && agent.state === 'off' ? 'failed' : agent.state);
    const marks = spark(agent.hours, places);
    return {
      cells: [
        [sign, style],
        agent.name,
        [stateWords(agent), style],
        lastRun(agent.lastJob, clock),
        agent.nextSlot ? nextTime(Date.parse(agent.nextSlot), clock) : '–',
        agent.p95Ms === null ? '–' : formatDuration(agent.p95Ms),
        memoryWords(agent),
        { text: marks.map((mark) => mark.letter).join(''), paint: () => paintMarks(marks, paint) },
      ],
      below: isBrief ? [] : below(agent, look),
    };
  });
  // Room for the whole table, so that a wide one is seen and drawn again with shorter bars before a name is cut.
  return table(columns, rows, places === 24 ? { ...look, width: 1_000 } : look);
}

/** The bars in colour, neighbours of one colour together. */
export function paintMarks(marks: SparkMark[], paint: Paint): string {
  const style = { none: 'dim', fine: 'green', mixed: 'yellow', dead: 'red' } as const;
  let text = '';
  for (let at = 0; at < marks.length; ) {
    let end = at;
    while (end < marks.length && marks[end]!.is === marks[at]!.is) end++;
    const part = marks.slice(at, end).map((mark) => mark.letter);
    text += paint(style[marks[at]!.is], part.join(''));
    at = end;
  }
  return text;
}

/** A schedule that ended before its agent ever ran may be a slip of the pen, and a job that waits says for what. The problem has lines of its own. */
function showsWhy({ state, why, lastJob, problem }: AgentView): boolean {
  return (
    why !== problem?.message &&
    why !== '' &&
    (SHOWS_WHY.has(state) || (state === 'done' && lastJob === null) || Boolean(lastJob?.holdUp))
  );
}

function below(agent: AgentView, { paint, width }: Look): string[] {
  const lines: string[] = [];
  if (showsWhy(agent)) {
    const [first, ...rest] = wrap(oneLine(agent.why), width - 7).slice(0, MOST_WHY_LINES);
    lines.push(`     ${paint('dim', '└')} ${first}`, ...rest.map((line) => `       ${line}`));
  }
  if (agent.problem) {
    const [first, ...rest] = faultLines(agent.problem, paint);
    const wrapped = wrap(oneLine(agent.problem.message), width - 9);
    lines.push(`     ${paint('dim', '└')} ${first!.split(' ')[0]} ${wrapped[0]}`);
    lines.push(...wrapped.slice(1).map((line) => `         ${line}`));
    lines.push(...rest.filter((line) => !agent.problem?.frame?.includes(line.trim())).map((line) => `       ${line}`));
  }
  return lines;
}

/** How many alerts hold, the worst of them, and the next command: a line, or two where it is too long for one. */
function alertLine({ alerts }: StatusView, { paint, clock, width }: Look): string[] {
  if (!alerts?.worst) return [];
  const { title, since, next, severity } = alerts.worst;
  const words = openAlertWords(alerts.firing, oneLine(title));
  const said = `${words} since ${shortTime(Date.parse(since), clock)}`;
  const sign = severity === 'open' ? paint('red', '✗') : paint('yellow', '!');
  const way = `${paint('cyan', '→')} ${oneLine(next)}`;
  const line = `${sign} ${said}   ${way}`;
  return widthOf(line) <= width ? [line] : [`${sign} ${cut(said, width - 2)}`, `  ${way}`];
}

function summary({ incidents, agents }: StatusView): string | undefined {
  const dead = agents.reduce((sum, agent) => sum + agent.dead, 0);
  const parts: string[] = [];
  if (incidents.open > 0) parts.push(`${incidents.open} open ${incidents.open === 1 ? 'incident' : 'incidents'}`);
  if (incidents.healedToday > 0) parts.push(`${incidents.healedToday} healed today`);
  if (parts.length > 0) parts.push(`${parts.pop()}   daruma incidents`);
  if (dead > 0) parts.push(`${dead} dead ${dead === 1 ? 'letter' : 'letters'}   daruma dlq`);
  return parts.length > 0 ? parts.join(', ') : undefined;
}

/** `config on probation until 14:05: cells.idle 60s → 5s`; settings that were taken back are a problem of their own. */
export function configLine(config: ConfigView | null | undefined, clock: Clock, paint: Paint): string | undefined {
  if (config?.is !== 'on-probation') return undefined;
  const until = config.until === null ? '' : ` until ${nextTime(Date.parse(config.until), clock)}`;
  return `${paint('yellow', '⟳')} config on probation${until}: ${changedWords(config.changed)}`;
}

/** `cells.idle 60s → 5s, timezone UTC → Asia/Tokyo` */
export function changedWords(changed: ConfigView['changed']): string {
  return oneLine(changed.map(({ path, before, after }) => `${path} ${before} → ${after}`).join(', '));
}

const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'] as const;

/** Jobs that ended in some stretch of time. */
interface SparkRange {
  done: number;
  dead: number;
}

interface SparkMark {
  letter: string;
  is: 'none' | 'fine' | 'mixed' | 'dead';
}

/**
 * A letter for each stretch, oldest first: `·` nothing ended, `▁`–`▇` all went well (height: the number, against the
 * highest), `!` some died, `✗` all died. `places` below the number of stretches puts neighbours together.
 */
export function spark(stretches: readonly SparkRange[], places = stretches.length): SparkMark[] {
  const size = Math.max(1, Math.ceil(stretches.length / places));
  const joined: SparkRange[] = [];
  for (let at = 0; at < stretches.length; at += size) {
    const part = stretches.slice(at, at + size);
    joined.push({
      done: part.reduce((sum, one) => sum + one.done, 0),
      dead: part.reduce((sum, one) => sum + one.dead, 0),
    });
  }
  const highest = Math.max(1, ...joined.map(({ done, dead }) => done + dead));
  return joined.map(({ done, dead }): SparkMark => {
    if (done + dead === 0) return { letter: '·', is: 'none' };
    if (dead > 0) return done > 0 ? { letter: '!', is: 'mixed' } : { letter: '✗', is: 'dead' };
    return { letter: BARS[Math.ceil((done / highest) * BARS.length) - 1]!, is: 'fine' };
  });
}

/** Lines that status shows of early warnings, the most certain first. */
const MOST_WARNINGS = 6;

/** A line and the next step of each early warning, and a line for those that are left out. */
function warningLines(warnings: readonly WarningView[], { paint, clock, width }: Look): string[] {
  const left = warnings.length - MOST_WARNINGS;
  return [
    ...warnings
      .slice(0, MOST_WARNINGS)
      .flatMap((warning) => [
        `${paint('yellow', '↗')} ${cut(`${warning.word}: ${oneLine(warningWords(warning, clock))}`, width - 2)}`,
        `  ${paint('cyan', '→')} ${cut(oneLine(warning.next), width - 4)}`,
      ]),
    ...(left > 0 ? [paint('dim', `  and ${left} more: daruma status --json`)] : []),
  ];
}

/** A line for each origin that is down: since when, why, the origin that is asked instead, the time of the next probe. */
function originLines(
  origins: readonly OriginView[],
  { paint, clock, width }: { paint: Paint; clock: Clock; width: number },
): string[] {
  return origins.flatMap(({ origin, since, last, instead, probeAt }) => {
    if (since === null) return [];
    const parts = [
      `${origin} is down since ${shortTime(Date.parse(since), clock)}${last ? `: ${oneLine(last.what)}` : ''}`,
      ...(instead.length > 0 ? [`instead ${instead.join(', ')}`] : []),
      probeAt === null ? 'a call is out to see' : `asked again ${relative(Date.parse(probeAt), clock)}`,
    ];
    return [`${paint('red', '✗')} ${cut(parts.join(' · '), width - 2)}`];
  });
}
