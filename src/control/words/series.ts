import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration, formatSize } from '../../kernel/units.ts';
import type { SeriesView } from '../../operations/results/series.ts';

type Series = SeriesView['series'][number];

/** `orders{shop=north}`, the name and labels of a series. */
export function seriesName({ name, labels }: Pick<Series, 'name' | 'labels'>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  return pairs.length === 0 ? name : `${name}${oneLine(`{${pairs.join(',')}}`)}`;
}

/** A figure in the unit of its series; `–` where there is none. */
export function seriesFigure({ unit }: Pick<Series, 'unit'>, value: number | null): string {
  if (value === null) return '–';
  if (unit === 'bytes') return formatSize(value);
  if (unit === 'ms') return formatDuration(value);
  const digits = value.toLocaleString('en', { maximumFractionDigits: unit === '$' ? 4 : Math.abs(value) < 10 ? 2 : 0 });
  return unit === '$' ? `$${digits}` : unit === '%' ? `${digits} %` : digits;
}
