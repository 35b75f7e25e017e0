import { escapeHtml } from './text.ts';

/** One stretch of a bar; `kind` names its colour: the style sheet has a `.kind` for each. */
export interface Part {
  kind: string;
  value: number;
}

export interface Bar {
  /** Under the bar; may be empty. */
  label: string;
  /** What a pointer or a screen reader is told: the whole figure in words. */
  hint: string;
  parts: Part[];
}

export interface ChartText {
  /** Must be unique on the page. */
  id: string;
  title: string;
  /** The message of the chart in a sentence, for people who do not see it. */
  description: string;
}

const FONT = 12;
/** So that a small figure beside a big one is still to be seen. */
const LEAST = 2;

/** Upright stacked bars over time, with a scale: jobs by the hour. */
export function columnChart(text: ChartText, bars: Bar[], size: { width: number; height: number }): string {
  const top = niceTop(Math.max(1, ...bars.map(sumOf)));
  const left = FONT * 0.62 * String(top).length + 10;
  const area = { top: 8, bottom: size.height - FONT - 12 };
  const high = area.bottom - area.top;
  const step = (size.width - left) / Math.max(1, bars.length);
  const broad = Math.max(1, Math.min(26, step * 0.72));
  const scale = [0, top / 2, top].filter(Number.isInteger).map((value) => {
    const y = round(area.bottom - (value / top) * high);
    const line = `<line class="${value === 0 ? 'axis' : 'grid'}" x1="${round(left)}" x2="${size.width}" y1="${y}" y2="${y}"/>`;
    return `${line}<text class="tick" x="${round(left - 6)}" y="${round(y + 4)}" text-anchor="end">${value}</text>`;
  });
  const columns = bars.map((bar, place) => {
    const middle = left + step * (place + 0.5);
    let y = area.bottom;
    const rects = bar.parts.filter(isSeen).map((part) => {
      const tall = Math.max(LEAST, (part.value / top) * high);
      y -= tall;
      return rect(part.kind, middle - broad / 2, y, broad, tall);
    });
    const label = bar.label === '' ? '' : tick(middle, size.height - 4, bar.label);
    // The unseen rectangle makes the whole column answer to a pointer, empty ones too.
    const target = rect('target', left + step * place, area.top, step, high);
    return `<g><title>${escapeHtml(bar.hint)}</title>${target}${rects.join('')}</g>${label}`;
  });
  return frame(text, size, [...scale, ...columns]);
}

/** The next of 1, 2, 4, 5, 10, 20, 40, … that is not below the number: a scale whose half is short to write. */
export function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 4, 5, 10].map((factor) => factor * power).find((top) => top >= most) ?? 10 * power;
}

function frame({ id, title, description }: ChartText, size: { width: number; height: number }, body: string[]): string {
  const head = `<title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(description)}</desc>`;
  const box = `viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}"`;
  return `<svg role="img" aria-labelledby="${id}-t ${id}-d" ${box}>${head}${body.join('')}</svg>`;
}

function rect(kind: string, x: number, y: number, width: number, height: number): string {
  const corner = kind === 'target' ? '' : ' rx="1.5"';
  return `<rect class="${kind}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"${corner}/>`;
}

function tick(x: number, y: number, label: string): string {
  return `<text class="tick" x="${round(x)}" y="${y}" text-anchor="middle">${escapeHtml(label)}</text>`;
}

const sumOf = (bar: Bar): number => bar.parts.reduce((sum, part) => sum + part.value, 0);
const isSeen = (part: Part): boolean => part.value > 0;
const round = (number: number): number => Math.round(number * 10) / 10;
