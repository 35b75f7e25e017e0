import type { FleetAgent, FleetReport } from 'daruma';
import { type Bar, columnChart, rowChart } from './chart.ts';
import { clockTime } from './days.ts';
import { activeAgents } from './figures.ts';
import { escapeHtml as e } from './text.ts';
import { showMany, showMs } from './units.ts';

/** Inner widths of a whole card, of half a one, and of one on a phone. A chart is drawn for each, so that its letters keep their size. */
const WIDE = 718;
const HALF = 330;
const NARROW = 330;
/** Rows that a chart shows at most; the table has them all. */
const ROWS = 12;

/** Jobs by the hour, done and dead on top of each other, with the same figures as a table. */
export function hoursCard(report: FleetReport, timezone: string): string {
  const hours = report.hours.map((hour) => ({ ...hour, clock: clockTime(hour.at, timezone) }));
  if (hours.length === 0) return '';
  const busiest = hours.reduce((a, b) => (b.done + b.dead > a.done + a.dead ? b : a));
  const message = `Most in the hour from ${busiest.clock}: ${showMany(busiest.done + busiest.dead, 'job')}.`;
  const bars = (every: number) =>
    hours.map(({ clock, done, dead }, place): Bar => {
      const parts = [
        { kind: 'done', value: done },
        { kind: 'dead', value: dead },
      ];
      return { label: place % every === 0 ? clock : '', hint: `${clock}: ${done} done, ${dead} dead`, parts };
    });
  const text = (id: string) => ({ id, title: 'Jobs by the hour', description: message });
  const charts = both(
    columnChart(text('hours-wide'), bars(3), { width: WIDE, height: 190 }),
    columnChart(text('hours-narrow'), bars(6), { width: NARROW, height: 170 }),
  );
  const rows = hours.map(
    ({ clock, done, dead }) => `<tr><th scope="row">${clock}</th><td>${done}</td><td>${dead}</td></tr>`,
  );
  return card('Jobs by the hour', message, `${charts}${key('done', 'dead')}${table(rows)}`);
}

/** How long each agent's jobs took, the slowest first; nothing when none was timed. */
export function speedCard(report: FleetReport): string {
  const timed = activeAgents(report).filter((agent) => agent.p95Ms !== null);
  const slowest = timed.sort((a, b) => b.p95Ms! - a.p95Ms!).slice(0, ROWS);
  const bars = slowest.map(({ name, p95Ms }): Bar => {
    const value = showMs(p95Ms);
    return { label: name, hint: `${name}: 95 % within ${value}`, value, parts: [{ kind: 'done', value: p95Ms! }] };
  });
  return rowsCard('speed', 'How long jobs took', '95 of 100 took at most this long.', bars);
}

/** How many of each agent's slots were kept, those with the most missed first; nothing when none was due. */
export function slotsCard(report: FleetReport): string {
  const planned = activeAgents(report).filter((agent) => dueOf(agent) > 0);
  const worst = planned.sort((a, b) => b.slotsMissed - a.slotsMissed || dueOf(b) - dueOf(a)).slice(0, ROWS);
  const bars = worst.map((agent): Bar => {
    const due = dueOf(agent);
    const hint = `${agent.name}: ${agent.slotsKept} kept, ${agent.slotsMissed} missed, ${agent.slotsSkipped} skipped`;
    const parts = [
      { kind: 'done', value: agent.slotsKept / due },
      { kind: 'dead', value: agent.slotsMissed / due },
      { kind: 'skipped', value: agent.slotsSkipped / due },
    ];
    return { label: agent.name, hint, value: `${agent.slotsKept}/${due}`, parts };
  });
  return rowsCard(
    'slots',
    'Slots kept',
    'Of the times at which a job was planned.',
    bars,
    key('kept', 'missed', 'skipped'),
  );
}

function rowsCard(id: string, title: string, note: string, bars: Bar[], after = ''): string {
  if (bars.length === 0) return '';
  const text = (suffix: string) => ({
    id: `${id}-${suffix}`,
    title,
    description: bars.map(({ hint }) => hint).join('; '),
  });
  return card(title, note, both(rowChart(text('wide'), bars, HALF), rowChart(text('narrow'), bars, NARROW)) + after);
}

const dueOf = (agent: FleetAgent): number => agent.slotsKept + agent.slotsMissed + agent.slotsSkipped;
const both = (wide: string, narrow: string): string =>
  `<div class="wide">${wide}</div><div class="narrow">${narrow}</div>`;
const card = (title: string, note: string, body: string): string =>
  `<section><h2>${e(title)}</h2><p>${e(note)}</p>${body}</section>`;

/** What the colours mean; kept and missed wear those of done and dead. */
function key(...words: string[]): string {
  const kinds: Record<string, string> = { kept: 'done', missed: 'dead' };
  const swatch = (word: string) =>
    `<svg viewBox="0 0 11 11" aria-hidden="true"><rect class="${kinds[word] ?? word}" width="11" height="11" rx="2"/></svg>`;
  return `<ul class="key">${words.map((word) => `<li>${swatch(word)}${word}</li>`).join('')}</ul>`;
}

function table(rows: string[]): string {
  const head = ['hour from', 'done', 'dead'].map((name) => `<th scope="col">${name}</th>`).join('');
  return `<details><summary>The same as a table</summary><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></details>`;
}
