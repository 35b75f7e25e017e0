import type { FleetReport } from 'daruma';
import { clockTime, type Day } from './days.ts';
import { activeAgents, isEmpty, isTroubled, jobsOf, slotShare, successOf, totalsOf } from './figures.ts';
import { clip, markdownTable, escapeMarkdown as md } from './text.ts';
import { showCount, showMany, showMoney, showMs, showShare } from './units.ts';

const STEPS = '▁▂▃▄▅▆▇█';

/** The message of the day in one or two sentences. */
export function leadOf(report: FleetReport): string {
  const totals = totalsOf(report);
  if (isEmpty(totals)) {
    const began = report.host.startedAt >= report.to ? ', for Daruma was started later' : '';
    return `Nothing ran on this day${began}. The next report tells of what runs from now on.`;
  }
  const { jobs, dead, success, missed, kept, restarts } = totals;
  const fate =
    jobs === 0
      ? 'No job ended'
      : `${showMany(jobs, 'job')}, ${dead === 0 ? (jobs === 1 ? 'done' : 'all done') : `${showShare(success)} done, ${showCount(dead)} dead`}`;
  const slots =
    kept + missed === 0 ? '' : missed === 0 ? '; every slot was kept' : `; ${showMany(missed, 'slot')} missed`;
  const healed = restarts === 0 ? '' : ` ${showMany(restarts, 'worker')} replaced.`;
  const names = report.agents.filter(isTroubled).map((agent) => `${agent.name} (${agent.state})`);
  return `${fate}${slots}.${healed}${names.length === 0 ? '' : ` Needs a look now: ${names.join(', ')}.`}`;
}

/** The day in Markdown: for the job's summary, a mail, a repository. */
export function markdownOf(report: FleetReport, day: Day): string {
  const head = `# Daruma, ${day.title}\n\n${md(leadOf(report))}\n`;
  if (isEmpty(totalsOf(report))) {
    const ready = report.agents.map(
      ({ name, schedule }) => `- ${md(name)}: ${schedule === null ? 'when it is sent a job' : `\`${schedule}\``}`,
    );
    return ready.length === 0 ? head : `${head}\nReady to run:\n\n${ready.join('\n')}\n`;
  }
  return `${[head.trim(), hours(report, day), agents(report), ...models(report), failures(report, day)].join('\n\n')}\n`;
}

function hours({ hours }: FleetReport, day: Day): string {
  const most = Math.max(1, ...hours.map(({ done, dead }) => done + dead));
  const step = ({ done, dead }: { done: number; dead: number }) =>
    done + dead === 0 ? '·' : STEPS[Math.ceil(((done + dead) / most) * STEPS.length) - 1];
  const from = hours[0] ? clockTime(hours[0].at, day.timezone) : '00:00';
  return `Jobs by the hour from ${from} (${md(day.timezone)}), at most ${showCount(most)}: \`${hours.map(step).join('')}\``;
}

function agents(report: FleetReport): string {
  const rows = activeAgents(report).map((agent) => [
    md(agent.name),
    isTroubled(agent) ? `**${agent.state}**` : agent.state,
    showCount(jobsOf(agent)),
    showShare(successOf(agent)),
    ...[agent.p50Ms, agent.p95Ms, agent.p99Ms].map(showMs),
    showCount(agent.restarts),
    showCount(agent.slotsKept),
    agent.slotsMissed > 0 ? `**${showCount(agent.slotsMissed)}**` : '0',
  ]);
  const totals = totalsOf(report);
  rows.push([
    '**all**',
    '',
    showCount(totals.jobs),
    showShare(totals.success),
    '',
    '',
    '',
    showCount(totals.restarts),
    `${showCount(totals.kept)} (${showShare(slotShare(totals))})`,
    showCount(totals.missed),
  ]);
  const heads = ['agent', 'state', 'jobs:', 'done:', 'p50:', 'p95:', 'p99:', 'restarts:', 'slots kept:', 'missed:'];
  return `## Agents\n\n${markdownTable(heads, rows)}`;
}

/** Calls, tokens and money that agents spent on models; empty when no agent asked any. */
function models({ models = [] }: FleetReport): string[] {
  if (models.length === 0) return [];
  const rows = models.map(({ agent, calls, tokens, money }) => [
    md(agent),
    showCount(calls),
    showCount(tokens),
    showMoney(money),
  ]);
  return [`## Models\n\n${markdownTable(['agent', 'calls:', 'tokens:', 'money:'], rows)}`];
}

function failures({ failures }: FleetReport, day: Day): string {
  if (failures.length === 0) return '## Failures\n\nNone.';
  const items = failures.map(({ agent, at, error, where, job }) => {
    const place = where === null ? '' : ` at ${md(where)}`;
    return `- ${clockTime(at, day.timezone)} **${md(agent)}** ${md(clip(error, 400))}${place} (${md(job)})`;
  });
  return `## Newest failures\n\n${items.join('\n')}`;
}
