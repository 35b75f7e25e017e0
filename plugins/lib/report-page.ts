import type { FleetAgent, FleetReport } from 'daruma';
import { clockTime, type Period, stampOf } from './days.ts';
import { isEmpty, isTroubled, jobsOf, successOf, totalsOf } from './figures.ts';
import { jobsCard, stripPicture } from './page-charts.ts';
import { STYLE } from './page-style.ts';
import {
  agentsByNeed,
  figuresLine,
  isSlow,
  isTight,
  memoryWords,
  PROOF_WORDS,
  slotWords,
  speedWords,
  spendWords,
  verdictOf,
} from './report-words.ts';
import { clip, escapeHtml as e, oneLine } from './text.ts';
import { showBytes, showCount, showMoney, showMs, showShare } from './units.ts';

/** The doll gets its second eye on a day on which nothing needs anybody. */
const dollOf = (
  isClean: boolean,
) => `<svg viewBox="0 0 52 52" role="img" aria-label="${isClean ? 'A doll with both eyes painted: nothing needs you' : 'A doll with one eye painted: something needs you'}">
<path d="M26 2C10 2 4 15 4 28s9 22 22 22 22-9 22-22S42 2 26 2Z" fill="#c8321f"/>
<path d="M26 12c-10 0-16 5-16 12s7 12 16 12 16-5 16-12-6-12-16-12Z" fill="#f7e7d3"/>
<path d="M14 18q5-3 9 0m15 0q-5-3-9 0m-7 13q4 2 8 0" fill="none" stroke="#1f1c1a" stroke-width="2" stroke-linecap="round"/>
<circle cx="19" cy="24" r="4" fill="#fff"/><circle cx="33" cy="24" r="4" fill="#fff"/><circle cx="19" cy="24" r="2.4" fill="#1f1c1a"/>${
  isClean ? '<circle cx="33" cy="24" r="2.4" fill="#1f1c1a"/>' : ''
}</svg>`;

/** A report as one HTML file that needs nothing else. `before`: the file name of the report before, if there is one. */
export function pageOf(report: FleetReport, period: Period, before: string | null): string {
  const { host, needs } = report;
  const isQuiet = isEmpty(totalsOf(report));
  const figures = isQuiet
    ? [readyCard(report.agents)]
    : [healedCard(report, period), agentsCard(report), jobsCard(report, period), failuresCard(report, period)];
  const parts = [
    needsCard(report, period),
    ...figures,
    modelsCard(report),
    proofsCard(report, period),
    versionsCard(report, period),
    nextCard(report, period),
  ];
  const link = before === null ? '' : ` · <a href="${e(before)}">the report before</a>`;
  const home = report.page === null ? '' : ` · <a href="${e(report.page)}">the page</a>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Daruma, ${e(period.title)}</title><style>${STYLE}</style></head>
<body><main><header>${dollOf(needs.length === 0)}<div><p>Daruma, ${period.kind} report</p><h1>${e(period.title)}</h1></div></header>
<p class="lead"><strong>${e(verdictOf(report))}</strong> ${e(figuresLine(report))}</p>
${parts.filter((part) => part !== '').join('\n')}
<footer>Daruma ${e(host.version)}, up ${showMs(host.uptimeMs)} with ${showBytes(host.memoryBytes)} · times in ${e(period.timezone)}${link}${home}</footer>
</main></body></html>
`;
}

/** A link into the page, or the bare text where there is no page. */
function linked({ page }: FleetReport, path: string, text: string): string {
  return page === null ? e(text) : `<a href="${e(`${page}${path}`)}">${e(text)}</a>`;
}

const agentLink = (report: FleetReport, agent: string | null): string =>
  agent === null ? 'host' : linked(report, `/agents/${encodeURIComponent(agent)}`, agent);

const timeOf = (at: string, { timezone }: Period): string =>
  `<time datetime="${e(at)}">${e(stampOf(at, timezone))}</time>`;

const listCard = (title: string, items: string[], after = ''): string =>
  items.length === 0 && after === ''
    ? ''
    : `<section><h2>${title}</h2><ul class="list">${items.join('\n')}</ul>${after}</section>`;

function needsCard(report: FleetReport, period: Period): string {
  if (report.needs.length === 0) return '';
  const items = report.needs.map(({ agent, text, next, incident, since, hitsAt }) => {
    const name = incident === null ? '' : ` ${linked(report, `/incidents/${incident}`, incident)}`;
    const when = since === null ? '' : ` since ${timeOf(since, period)}`;
    const hits = hitsAt === undefined ? '' : ` · limit at ${timeOf(hitsAt, period)}`;
    return `<li><strong>${agentLink(report, agent)}</strong>${name}${when}${hits}<p>${e(clip(oneLine(text), 400))}</p><code>${e(next)}</code></li>`;
  });
  return `<section class="needs"><h2>✗ Needs you</h2><ul class="list">${items.join('\n')}</ul></section>`;
}

function healedCard(report: FleetReport, period: Period): string {
  const items = report.healed.map(
    ({ incident, agent, at, seen, done, tookMs }) =>
      `<li>${timeOf(at, period)} <strong>${agentLink(report, agent)}</strong> ${linked(report, `/incidents/${incident}`, incident)}<p>${e(clip(oneLine(seen), 200))} → ${e(done)}, in ${showMs(tookMs)}</p></li>`,
  );
  return listCard('✓ Healed by itself', items);
}

/** For a time without anything to tell: what is going to run. */
function readyCard(agents: FleetAgent[]): string {
  const items = agents.map(({ name, schedule, state }) => {
    const asked = schedule === null ? 'when it is sent a job' : e(schedule);
    return `<li><strong>${e(name)}</strong> ${asked} · ${e(state)}</li>`;
  });
  return listCard('Ready to run', items);
}

/** A row for each agent, those that need somebody first; on a phone the cells of a row stand below each other, and none is left out. */
function agentsCard(report: FleetReport): string {
  const spent = new Map((report.models ?? []).map(({ agent, money }) => [agent, money]));
  const cell = (name: string, text: string, isBad = false) =>
    `<div><dt>${name}</dt><dd${isBad ? ' class="bad"' : ''}>${text}</dd></div>`;
  const rows = agentsByNeed(report).map((agent) => {
    const state = isTroubled(agent)
      ? `<span class="bad">✗ ${e(agent.state)}</span>`
      : `<span class="quiet">${e(agent.state)}</span>`;
    const money = spent.get(agent.name);
    const cells = [
      cell('jobs', showCount(jobsOf(agent))),
      cell('done', showShare(successOf(agent)), agent.dead > 0),
      cell('p95', e(speedWords(agent)), isSlow(agent)),
      cell('memory', e(memoryWords(agent)), isTight(agent)),
      cell('slots kept', e(slotWords(agent)), agent.slotsMissed > 0),
      ...(money === undefined ? [] : [cell('models', showMoney(money))]),
    ];
    return `<li><p><strong>${agentLink(report, agent.name)}</strong> ${state}</p>${stripPicture(agent)}<dl>${cells.join('')}</dl></li>`;
  });
  return `<section><h2>Agents</h2><ol class="agents">${rows.join('\n')}</ol></section>`;
}

function failuresCard(report: FleetReport, { timezone }: Period): string {
  if (report.failures.length === 0) return '<section><h2>Failures</h2><p class="fine">✓ No job failed.</p></section>';
  const items = report.failures.map(({ agent, at, error, where, job }) => {
    const place = where === null ? '' : `<code>${e(where)}</code> `;
    const head = `<strong>${agentLink(report, agent)}</strong> <time datetime="${e(at)}">${clockTime(at, timezone)}</time>`;
    return `<li>${head}<p>${e(clip(oneLine(error), 400))}</p>${place}${linked(report, `/jobs/${encodeURIComponent(job)}`, job)}</li>`;
  });
  return listCard('Newest failures', items);
}

function modelsCard({ rungs = [] }: FleetReport): string {
  const items = rungs.map(
    (rung) => `<li><strong>${e(rung.rung || 'ends unknown')}</strong> ${e(spendWords(rung))}</li>`,
  );
  return listCard('Models by rung', items);
}

function proofsCard(report: FleetReport, period: Period): string {
  const items = report.proofs.map(({ what, at, ok, text, job }) => {
    const sign = ok ? '<span class="fine">✓</span>' : '<span class="bad">✗</span>';
    const by = job === null ? '' : ` ${linked(report, `/jobs/${encodeURIComponent(job)}`, job)}`;
    return `<li>${sign} <strong>${PROOF_WORDS[what]}</strong> ${timeOf(at, period)}${by}<p>${e(clip(oneLine(text), 300))}</p></li>`;
  });
  return listCard('Proven', items);
}

function versionsCard(report: FleetReport, period: Period): string {
  const items = report.versions.map(
    ({ at, agent, text }) => `<li>${timeOf(at, period)} ${agentLink(report, agent)}<p>${e(clip(text, 300))}</p></li>`,
  );
  return listCard('Versions', items);
}

function nextCard(report: FleetReport, period: Period): string {
  const items = report.next.map(({ agent, at }) => `<li>${timeOf(at, period)} ${agentLink(report, agent)}</li>`);
  return listCard('What comes next', items);
}
