import type { FleetReport } from 'daruma';
import { clockTime, type Period, stampOf } from './days.ts';
import { isEmpty, isTroubled, jobsOf, successOf, totalsOf } from './figures.ts';
import {
  agentsByNeed,
  figuresLine,
  memoryWords,
  PROOF_WORDS,
  slotWords,
  speedWords,
  spendWords,
  verdictOf,
} from './report-words.ts';
import { clip, markdownTable, escapeMarkdown as md } from './text.ts';
import { showCount, showMoney, showMs, showShare } from './units.ts';

const STEPS = '▁▂▃▄▅▆▇█';

/** A report in Markdown: for the job's summary, a mail, a repository. It says what the page says. */
export function markdownOf(report: FleetReport, period: Period): string {
  const parts = [
    `# Daruma, ${period.title}`,
    `**${verdictOf(report)}** ${md(figuresLine(report))}`,
    needs(report, period),
  ];
  if (isEmpty(totalsOf(report))) parts.push(ready(report));
  else parts.push(healed(report, period), agents(report), failures(report, period));
  parts.push(rungs(report), proofs(report, period), versions(report, period), next(report, period));
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function needs({ needs }: FleetReport, { timezone }: Period): string {
  if (needs.length === 0) return '';
  const items = needs.map(({ agent, text, next, since, hitsAt }) => {
    const when = since === null ? '' : `, since ${stampOf(since, timezone)}`;
    const hits = hitsAt === undefined ? '' : `, limit at ${stampOf(hitsAt, timezone)}`;
    return `- **${md(agent ?? 'host')}** ${md(clip(text, 400))}${when}${hits} → \`${next}\``;
  });
  return `## Needs you\n\n${items.join('\n')}`;
}

function ready({ agents }: FleetReport): string {
  if (agents.length === 0) return '';
  const items = agents.map(
    ({ name, schedule }) => `- ${md(name)}: ${schedule === null ? 'when it is sent a job' : `\`${schedule}\``}`,
  );
  return `Ready to run:\n\n${items.join('\n')}`;
}

function healed({ healed }: FleetReport, { timezone }: Period): string {
  if (healed.length === 0) return '';
  const items = healed.map(
    ({ incident, agent, at, seen, done, tookMs }) =>
      `- ${stampOf(at, timezone)} **${md(agent ?? 'host')}** ${md(clip(seen, 200))} → ${md(done)}, in ${showMs(tookMs)} (${incident})`,
  );
  return `## Healed by itself\n\n${items.join('\n')}`;
}

function agents(report: FleetReport): string {
  const spent = new Map((report.models ?? []).map(({ agent, money }) => [agent, money]));
  const rows = agentsByNeed(report).map((agent) => [
    md(agent.name),
    isTroubled(agent) ? `**${agent.state}**` : agent.state,
    `\`${stripText(agent.strip)}\``,
    showCount(jobsOf(agent)),
    showShare(successOf(agent)),
    speedWords(agent),
    memoryWords(agent),
    slotWords(agent),
    spent.has(agent.name) ? showMoney(spent.get(agent.name)!) : '–',
  ]);
  const heads = ['agent', 'state', 'over time', 'jobs:', 'done:', 'p95:', 'memory:', 'slots kept:', 'models:'];
  return `## Agents\n\n${markdownTable(heads, rows)}`;
}

/** `··▃█✗·`: a step for the jobs of a stretch, `✗` where one of them died. */
function stripText(strip: FleetReport['agents'][number]['strip']): string {
  const most = Math.max(1, ...strip.map(({ done }) => done));
  const step = (done: number) => (done === 0 ? '·' : STEPS[Math.ceil((done / most) * STEPS.length) - 1]!);
  return strip.map(({ done, dead }) => (dead > 0 ? '✗' : step(done))).join('');
}

function failures({ failures }: FleetReport, { timezone }: Period): string {
  if (failures.length === 0) return '';
  const items = failures.map(({ agent, at, error, where, job }) => {
    const place = where === null ? '' : ` at ${md(where)}`;
    return `- ${clockTime(at, timezone)} **${md(agent)}** ${md(clip(error, 400))}${place} (${md(job)})`;
  });
  return `## Newest failures\n\n${items.join('\n')}`;
}

function rungs({ rungs = [] }: FleetReport): string {
  if (rungs.length === 0) return '';
  const items = rungs.map((rung) => `- **${md(rung.rung || 'ends unknown')}** ${spendWords(rung)}`);
  return `## Models by rung\n\n${items.join('\n')}`;
}

function proofs({ proofs }: FleetReport, { timezone }: Period): string {
  if (proofs.length === 0) return '';
  const items = proofs.map(
    ({ what, at, ok, text }) =>
      `- ${ok ? '✓' : '✗'} ${PROOF_WORDS[what]}, ${stampOf(at, timezone)}: ${md(clip(text, 300))}`,
  );
  return `## Proven\n\n${items.join('\n')}`;
}

function versions({ versions }: FleetReport, { timezone }: Period): string {
  if (versions.length === 0) return '';
  const items = versions.map(({ at, text }) => `- ${stampOf(at, timezone)} ${md(clip(text, 300))}`);
  return `## Versions\n\n${items.join('\n')}`;
}

function next({ next }: FleetReport, { timezone }: Period): string {
  if (next.length === 0) return '';
  const items = next.map(({ agent, at }) => `- ${stampOf(at, timezone)} ${md(agent)}`);
  return `## What comes next\n\n${items.join('\n')}`;
}
