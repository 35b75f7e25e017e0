import type { PluginLine } from '../kernel/log.ts';
import { type createOwnSeries, type Measures, OWN_SERIES } from '../kernel/own-series.ts';
import { unpackSeries } from '../kernel/series.ts';

/** Adds a worker's sums to the agent's book; answers with a line for the author when series were left out. */
export function mergeMeasures(
  book: ReturnType<typeof createOwnSeries>,
  { series, beyond }: Measures,
  { agent, at }: { agent: string; at: number },
): PluginLine | undefined {
  let left = beyond;
  for (const { name, labels, kind, numbers } of series) {
    const value = unpackSeries(kind, numbers);
    if (value && !book.merge({ name, labels, value })) left ??= name;
  }
  if (left === null) return undefined;
  const { names, series: most, valuesOfLabel } = OWN_SERIES;
  const message = `figures of ${left} are left out: an agent has ${names} names and ${most} series of its own, and a label ${valuesOfLabel} values`;
  return { at, level: 'warn', agent, job: '', worker: '', message, data: null };
}
