import type { IncidentView, ReportView } from '../../control/protocol.ts';
import { isAlarming } from '../../control/words/agent.ts';
import { dollarWords, memoryHours, moneyWords, processorWords, tokensOf } from '../../control/words/bill.ts';
import { doneWords, resultWords } from '../../control/words/incident.ts';
import { warningWords } from '../../control/words/warning.ts';
import { type Clock, dayOf, shortTime } from '../../kernel/clock.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';

/** A report before it is laid out: the same parts on a terminal, in Markdown and in HTML. */
export interface ReportText {
  title: string;
  /** The message of the period in a sentence or two. */
  lead: string;
  sections: ReportSection[];
}

/** A part of a report: a list, each item with what to type, or a table. `empty`: what is said when there is nothing. */
export interface ReportSection {
  title: string;
  items: { text: string; next?: string }[];
  table?: { heads: string[]; rows: string[][] };
  empty?: string;
}

type Agent = ReportView['agents'][number];
type BillsView = NonNullable<ReportView['bills']>;

const MOST_BILLS = 20;
const MOST_WARNINGS = 12;

/** The report in words; a week's report says its days. */
export function reportText(report: ReportView, clock: Clock): ReportText {
  return {
    title: `Daruma, ${periodWords(report, clock)}`,
    lead: leadOf(report, clock),
    sections: [
      ...[
        needsYou(report),
        ...rising(report, clock),
        healed(report, clock),
        agents(report),
        ...drills(report, clock),
        failures(report, clock),
      ],
      ...(report.bills ? [costs(report.bills)] : []),
    ],
  };
}

/** `Sat 2026-11-21`, or `Fri 2026-11-20 12:04 – Sat 2026-11-21 12:04`. */
function periodWords({ from, to }: ReportView, clock: Clock): string {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const isMidnight = (ms: number) => dayOf(ms - 1, clock) !== dayOf(ms, clock);
  if (!isMidnight(begin) || !isMidnight(end)) return `${minuteOf(begin, clock)} – ${minuteOf(end, clock)}`;
  const [first, last] = [dayOf(begin, clock), dayOf(end - 1, clock)];
  return first === last ? first : `${first} – ${last}`;
}

function minuteOf(ms: number, clock: Clock): string {
  return `${dayOf(ms, clock)} ${shortTime(ms, { ...clock, now: ms })}`;
}

function leadOf(report: ReportView, clock: Clock): string {
  const { totals, before, agents, healed, to } = report;
  const jobs = totals.done + totals.dead;
  if (jobs + totals.slotsKept + totals.slotsMissed === 0) {
    const isPast = Date.parse(to) < clock.now - DAY_MS / 24;
    return `Nothing ran in this time. ${isPast ? 'daruma report tells of the last 24 hours.' : `${agents.length} agents are ready to run.`}`;
  }
  const todo = needsYou(report).items.length;
  const verdict = todo === 0 ? 'Nothing needs you.' : `${many(todo, 'thing')} ${todo === 1 ? 'needs' : 'need'} you.`;
  const was = before.success === null ? '' : `, ${share(before.success)} before`;
  const ran = jobs === 0 ? 'No job ended' : `${many(jobs, 'run')}, ${share(totals.success)} ok${was}`;
  const slots = totals.slotsMissed === 0 ? 'no slot was missed' : `${many(totals.slotsMissed, 'slot')} missed`;
  const mended = healed.length === 0 ? '' : `; ${many(healed.length, 'incident')} healed without anybody`;
  return `${verdict} ${ran}; ${slots}${mended}.`;
}

/** Whether somebody has to look at an agent: a cause that is muted is known. */
function troubledIn({ open }: ReportView): (agent: Agent) => boolean {
  const causes = Map.groupBy(open, ({ agent }) => agent);
  return ({ name, state }) => {
    const own = causes.get(name) ?? [];
    return isAlarming({ state }) && !(own.length > 0 && own.every(({ mutedUntil }) => mutedUntil));
  };
}

function needsYou(report: ReportView): ReportSection {
  const { dead, agents } = report;
  const open = report.open.filter(({ mutedUntil }) => !mutedUntil);
  const isTroubled = troubledIn(report);
  return {
    title: 'Needs you',
    empty: '✓ nothing',
    items: [
      ...open.map(({ id, agent, verdict, seen, diagnosis }) => ({
        text: `${id} ${agent ?? 'host'}: ${verdict}, ${oneLine(seen)}${diagnosis ? `; a model says: ${diagnosis.cause}` : ''}`,
        next: `daruma incidents ${id}`,
      })),
      ...agents.filter(isTroubled).map(({ name, state, why }) => ({
        text: `${name} is ${state}: ${oneLine(why)}`,
        next: `daruma status ${name}`,
      })),
      ...dead.map(({ cause, agent, count, message }) => ({
        text: `${many(count, 'dead letter')} of ${agent}: ${oneLine(message)}`,
        next: `daruma dlq show ${cause}`,
      })),
    ],
  };
}

function healed({ healed }: ReportView, clock: Clock): ReportSection {
  const rows = healed.map((incident: IncidentView) => [
    shortTime(Date.parse(incident.openedAt), clock),
    incident.agent ?? 'host',
    `${incident.verdict}: ${oneLine(incident.seen)}`,
    doneWords(incident),
    resultWords(incident),
  ]);
  const heads = ['WHEN', 'AGENT', 'SEEN', 'DONE', 'RESULT'];
  return { title: 'Healed by itself', empty: 'nothing had to be healed', items: [], table: { heads, rows } };
}

/** `44 MB of 128 MB`: the most that one worker held. */
function memoryOf({ memoryPeakBytes, memoryLimitBytes }: Agent): string {
  if (memoryPeakBytes === null) return '–';
  return memoryLimitBytes === null
    ? formatSize(memoryPeakBytes)
    : `${formatSize(memoryPeakBytes)} of ${formatSize(memoryLimitBytes)}`;
}

/** Agents with something to tell of, those that need somebody first. */
function agents(report: ReportView): ReportSection {
  const { agents } = report;
  const isTroubled = troubledIn(report);
  const active = agents.filter((agent) => isTroubled(agent) || jobsOf(agent) + agent.slotsKept + agent.slotsMissed > 0);
  const need = (agent: Agent) => Number(isTroubled(agent)) * 2 + Number(agent.dead > 0);
  const rows = active
    .toSorted((one, other) => need(other) - need(one) || one.name.localeCompare(other.name))
    .map((agent) => {
      const { before } = agent;
      return [
        agent.name,
        agent.state,
        beside(String(jobsOf(agent)), before && String(jobsOf(before))),
        beside(share(successOf(agent)), before && share(successOf(before))),
        beside(time(agent.p95Ms), before && time(before.p95Ms)),
        time(agent.usualP95Ms),
        memoryOf(agent),
        String(agent.restarts),
        String(agent.slotsMissed),
      ];
    });
  const heads = ['AGENT', 'STATE', 'RUNS:', 'OK:', 'P95:', 'USUAL P95:', 'MEMORY:', 'RESTARTS:', 'MISSED:'];
  return {
    title: 'Agents (in brackets: the period before; usual: of the seven days before)',
    empty: 'none did anything',
    items: [],
    table: { heads, rows },
  };
}

/** Agents that cost something this month, the dearest first. */
function costs({ month, agents }: BillsView): ReportSection {
  const rows = agents
    .slice(0, MOST_BILLS)
    .map(({ agent, today, month: line, forecast }) => [
      agent,
      dollarWords(today.money),
      moneyWords(line),
      forecast === null ? '–' : dollarWords(forecast),
      String(line.calls),
      tokensOf(line).toLocaleString('en'),
      memoryHours(line),
      processorWords(line),
      line.diskBytes === 0 ? '–' : formatSize(line.diskBytes),
    ]);
  const heads = ['AGENT', 'TODAY:', 'MONTH:', 'FORECAST:', 'CALLS:', 'TOKENS:', 'MEMORY:', 'PROCESSOR:', 'DISK:'];
  return { title: `Costs of ${month}`, empty: 'nothing was measured yet', items: [], table: { heads, rows } };
}

/** Early warnings: before anything needs you. */
function rising({ warnings = [] }: ReportView, clock: Clock): ReportSection[] {
  if (warnings.length === 0) return [];
  const items = warnings
    .slice(0, MOST_WARNINGS)
    .map((one) => ({ text: `${one.word}: ${oneLine(warningWords(one, clock))}`, next: one.next }));
  return [{ title: 'Early warnings', items }];
}

/** Drills with models, where any were done: `chain proven 3 of 3 at 04:10`. */
function drills({ drills = [] }: ReportView, clock: Clock): ReportSection[] {
  if (drills.length === 0) return [];
  const items = drills.map(({ name, at, words, right, of }) => {
    const [first, ...rest] = oneLine(words).split('; ');
    const text = [`${first} at ${shortTime(Date.parse(at), clock)}`, ...rest].join('; ');
    return right < of ? { text, next: `daruma drill ${name}` } : { text };
  });
  return [{ title: 'Drills with models', items }];
}

function failures({ failures }: ReportView, clock: Clock): ReportSection {
  return {
    title: 'Newest failures',
    empty: '✓ none',
    items: failures.map(({ agent, at, error, where, job }) => ({
      text: `${shortTime(Date.parse(at), clock)} ${agent}: ${oneLine(error)}${where ? ` at ${where}` : ''}`,
      next: `daruma jobs ${job}`,
    })),
  };
}

function jobsOf({ done, dead }: { done: number; dead: number }): number {
  return done + dead;
}

function successOf({ done, dead }: { done: number; dead: number }): number | null {
  return done + dead === 0 ? null : done / (done + dead);
}

/** Never 100 % while one failed. */
function share(of: number | null): string {
  if (of === null) return '–';
  return of === 1 ? '100 %' : `${Math.min(99.9, of * 100).toFixed(1)} %`;
}

function time(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms);
}

function beside(now: string, before: string | null): string {
  return before === null || before === '–' ? now : `${now} (${before})`;
}

function many(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
