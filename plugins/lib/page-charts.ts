import type { FleetAgent, FleetReport } from 'daruma';
import { type Bar, columnChart } from './chart.ts';
import { clockTime, type Period, stampOf } from './days.ts';
import { escapeHtml as e } from './text.ts';
import { showCount, showMany } from './units.ts';

/** Inner widths of a whole card and of one on a phone. A chart is drawn for each, so that its letters keep their size. */
const WIDE = 718;
const NARROW = 330;
/** A cell of a strip and its height, in pixels. */
const CELL = { step: 5, width: 4, height: 22 };

/** Jobs by the hour, in a week by the day: done and dead on top of each other, with the same figures as a table. */
export function jobsCard(report: FleetReport, period: Period): string {
  const columns = columnsOf(report, period);
  const [first] = columns;
  if (!first) return '';
  const unit = period.kind === 'daily' ? 'hour' : 'day';
  const busiest = columns.reduce((a, b) => (b.done + b.dead > a.done + a.dead ? b : a), first);
  const message = `Most in the ${unit} from ${busiest.clock}: ${showMany(busiest.done + busiest.dead, 'job')}.`;
  const bars = (every: number) =>
    columns.map(({ clock, done, dead }, place): Bar => {
      const parts = [
        { kind: 'done', value: done },
        { kind: 'dead', value: dead },
      ];
      return { label: place % every === 0 ? clock : '', hint: `${clock}: ${done} done, ${dead} dead`, parts };
    });
  const title = `Jobs by the ${unit}`;
  const text = (id: string) => ({ id, title, description: message });
  const [wide, narrow] = unit === 'hour' ? [3, 6] : [1, 2];
  const rows = columns.map(
    ({ clock, done, dead }) => `<tr><th scope="row">${e(clock)}</th><td>${done}</td><td>${dead}</td></tr>`,
  );
  return `<section><h2>${title}</h2><p>${e(message)}</p>
<div class="wide">${columnChart(text('jobs-wide'), bars(wide), { width: WIDE, height: 190 })}</div>
<div class="narrow">${columnChart(text('jobs-narrow'), bars(narrow), { width: NARROW, height: 170 })}</div>
${KEY}${table(unit, rows)}</section>`;
}

/** The same jobs as the agents' rows have, whichever way they are cut. */
function columnsOf({ hours, agents }: FleetReport, { kind, timezone }: Period) {
  if (kind === 'daily') return hours.map(({ at, ...hour }) => ({ clock: clockTime(at, timezone), ...hour }));
  const [longest = []] = agents.map(({ strip }) => strip);
  return longest.map(({ at }, place) => ({
    clock: stampOf(at, timezone).split(' ')[0]!,
    done: agents.reduce((sum, { strip }) => sum + (strip[place]?.done ?? 0), 0),
    dead: agents.reduce((sum, { strip }) => sum + (strip[place]?.dead ?? 0), 0),
  }));
}

/** The jobs of an agent over the period in one line: how many, and where some of them died. */
export function stripPicture({ name, strip }: FleetAgent): string {
  const most = Math.max(1, ...strip.map(({ done, dead }) => done + dead));
  const ended = strip.reduce((sum, { done, dead }) => sum + done + dead, 0);
  const died = strip.reduce((sum, { dead }) => sum + dead, 0);
  const bar = (place: number, count: number) => {
    const tall = count === 0 ? 1 : Math.max(3, Math.round((count / most) * CELL.height));
    return `M${place * CELL.step} ${CELL.height}v-${tall}h${CELL.width}v${tall}z`;
  };
  const path = (kind: string, isIn: (cell: FleetAgent['strip'][number]) => boolean) => {
    const bars = strip.map((cell, place) => (isIn(cell) ? bar(place, cell.done + cell.dead) : '')).join('');
    return bars === '' ? '' : `<path class="${kind}" d="${bars}"/>`;
  };
  const label = `${name}: ${showMany(ended, 'job')}, ${showCount(died)} dead`;
  const paths = [
    path('skipped', ({ done, dead }) => done + dead === 0),
    path('done', ({ done, dead }) => done > 0 && dead === 0),
    path('dead', ({ dead }) => dead > 0),
  ];
  const width = Math.max(1, strip.length) * CELL.step;
  return `<svg class="strip" role="img" aria-label="${e(label)}" viewBox="0 0 ${width} ${CELL.height}" width="${width}" height="${CELL.height}">${paths.join('')}</svg>`;
}

const swatch = (word: string) =>
  `<li><svg viewBox="0 0 11 11" aria-hidden="true"><rect class="${word}" width="11" height="11" rx="2"/></svg>${word}</li>`;
const KEY = `<ul class="key">${['done', 'dead'].map(swatch).join('')}</ul>`;

function table(unit: string, rows: string[]): string {
  const head = [`${unit} from`, 'done', 'dead'].map((name) => `<th scope="col">${name}</th>`).join('');
  return `<details><summary>The same as a table</summary><table><thead><tr>${head}</tr></thead><tbody>${rows.join('')}</tbody></table></details>`;
}
