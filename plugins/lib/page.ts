import type { FleetAgent, FleetReport } from 'daruma';
import { clockTime, type Day } from './days.ts';
import { activeAgents, isEmpty, isTroubled, jobsOf, slotShare, successOf, totalsOf } from './figures.ts';
import { hoursCard, slotsCard, speedCard } from './page-charts.ts';
import { STYLE } from './page-style.ts';
import { clip, escapeHtml as e, oneLine } from './text.ts';
import { showBytes, showCount, showMany, showMoney, showMs, showShare } from './units.ts';

const DOLL = `<svg viewBox="0 0 52 52" aria-hidden="true">
<path d="M26 2C10 2 4 15 4 28s9 22 22 22 22-9 22-22S42 2 26 2Z" fill="#c8321f"/>
<path d="M26 12c-10 0-16 5-16 12s7 12 16 12 16-5 16-12-6-12-16-12Z" fill="#f7e7d3"/>
<path d="M14 18q5-3 9 0m15 0q-5-3-9 0m-7 13q4 2 8 0" fill="none" stroke="#1f1c1a" stroke-width="2" stroke-linecap="round"/>
<circle cx="19" cy="24" r="4" fill="#fff"/><circle cx="33" cy="24" r="4" fill="#fff"/><circle cx="19" cy="24" r="2" fill="#1f1c1a"/>
<circle cx="33" cy="24" r="2" fill="#1f1c1a"/></svg>`;

/** A day as one HTML file that needs nothing else. `lead` is its message; `before` the file name of the day before, if there is one. */
export function pageOf(report: FleetReport, day: Day, lead: string, before: string | null): string {
  const { host } = report;
  const parts = [
    tiles(report),
    hoursCard(report, day.timezone),
    `<div class="pair">${speedCard(report)}${slotsCard(report)}</div>`,
    agentsCard(activeAgents(report)),
    modelsCard(report),
    failuresCard(report, day.timezone),
  ];
  const link = before === null ? '' : ` · <a href="${e(before)}">the day before</a>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Daruma, ${e(day.title)}</title><style>${STYLE}</style></head>
<body><main><header>${DOLL}<div><p>Daruma, daily report</p><h1>${e(day.title)}</h1></div></header>
<p class="lead">${e(lead)}</p>
${isEmpty(totalsOf(report)) ? readyCard(report.agents) : parts.join('\n')}
<footer>Daruma ${e(host.version)}, up ${showMs(host.uptimeMs)} with ${showBytes(host.memoryBytes)} · times in ${e(day.timezone)}${link}</footer>
</main></body></html>
`;
}

/** For a day without anything to tell: what is going to run. */
function readyCard(agents: FleetAgent[]): string {
  if (agents.length === 0) return '';
  const rows = agents.map(({ name, schedule, state }) => {
    const asked = schedule === null ? 'when it is sent a job' : e(schedule);
    return `<tr><th scope="row">${e(name)}</th><td class="left">${asked}</td><td>${e(state)}</td></tr>`;
  });
  const head = '<th scope="col">agent</th><th scope="col" class="left">runs</th><th scope="col">state now</th>';
  return `<section><h2>Ready to run</h2><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></section>`;
}

function tiles(report: FleetReport): string {
  const { jobs, dead, success, kept, missed, skipped, restarts, failedAttempts } = totalsOf(report);
  const lost = dead === 0 ? '✓ none lost' : `✗ ${showCount(dead)} dead`;
  const holes = missed === 0 ? '✓ none missed' : `✗ ${showCount(missed)} missed`;
  const slots = skipped === 0 ? holes : `${holes}, ${showCount(skipped)} skipped`;
  const tile = (name: string, figure: string, note: string, bad = false) =>
    `<div><dt>${name}</dt><dd>${figure}</dd><dd${bad ? ' class="bad"' : ''}>${note}</dd></div>`;
  return `<dl class="tiles">${[
    tile('Jobs', showCount(jobs), `of ${showMany(activeAgents(report).length, 'agent')}`),
    tile('Done', showShare(success), lost, dead > 0),
    tile('Slots kept', showShare(slotShare({ kept, missed })), slots, missed > 0),
    tile('Restarts', showCount(restarts), showMany(failedAttempts, 'failed attempt')),
  ].join('')}</dl>`;
}

function agentsCard(agents: FleetAgent[]): string {
  const heads = ['agent', 'jobs', 'done', 'p50', 'p95', 'p99', 'restarts', 'slots kept', 'missed'];
  const figure = (count: number) => (count === 0 ? '<td class="none">0</td>' : `<td>${showCount(count)}</td>`);
  const alarm = (count: number) => (count === 0 ? figure(0) : `<td class="bad">✗ ${showCount(count)}</td>`);
  const quietly = (state: string) => (state === 'ok' ? '' : `<span class="small">${e(state)}</span>`);
  const rows = agents.map((agent) => {
    const state = isTroubled(agent) ? `<span class="small bad">✗ ${e(agent.state)}</span>` : quietly(agent.state);
    const done = `<td${agent.dead > 0 ? ' class="bad"' : ''}>${showShare(successOf(agent))}</td>`;
    const times = [agent.p50Ms, agent.p95Ms, agent.p99Ms].map((ms) => `<td>${showMs(ms)}</td>`).join('');
    const slots = `${figure(agent.slotsKept)}${alarm(agent.slotsMissed)}`;
    return `<tr><th scope="row">${e(agent.name)}${state}</th>${figure(jobsOf(agent))}${done}${times}${figure(agent.restarts)}${slots}</tr>`;
  });
  const head = heads.map((name) => `<th scope="col">${name}</th>`).join('');
  return `<section><h2>Agents</h2><div class="scroll" tabindex="0" role="region" aria-label="Agents"><table>
<thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div></section>`;
}

/** Calls, tokens and money that agents spent on models; empty when no agent asked any. */
function modelsCard({ models = [] }: FleetReport): string {
  if (models.length === 0) return '';
  const rows = models.map(({ agent, calls, tokens, money }) => {
    const figures = [showCount(calls), showCount(tokens), showMoney(money)].map((text) => `<td>${text}</td>`).join('');
    return `<tr><th scope="row">${e(agent)}</th>${figures}</tr>`;
  });
  const head = ['agent', 'calls', 'tokens', 'money'].map((name) => `<th scope="col">${name}</th>`).join('');
  return `<section><h2>Models</h2><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></section>`;
}

function failuresCard({ failures }: FleetReport, timezone: string): string {
  if (failures.length === 0) return '<section><h2>Failures</h2><p class="fine">✓ No job failed.</p></section>';
  const items = failures.map(({ agent, at, error, where, job }) => {
    const place = where === null ? '' : `<code>${e(where)}</code>`;
    const head = `<strong>${e(agent)}</strong> <time datetime="${e(at)}">${clockTime(at, timezone)}</time>`;
    return `<li>${head}<p>${e(clip(oneLine(error), 400))}</p>${place}<code>${e(job)}</code></li>`;
  });
  return `<section><h2>Newest failures</h2><ol class="failures">${items.join('\n')}</ol></section>`;
}
