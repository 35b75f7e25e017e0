import { METRICS, type MetricName } from '../operations/metrics.ts';
import type { MetricsView } from '../operations/results/metrics.ts';

/** The media type of {@link prometheusText}: the text format, version 0.0.4. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Sample = MetricsView['samples'][number];

/** Samples in the text format of Prometheus: each metric once, with its help and its kind, in the order of the rows. */
export function prometheusText(samples: readonly Sample[]): string {
  const byMetric = Map.groupBy(samples, ({ metric }) => metric);
  const lines = (Object.keys(METRICS) as MetricName[]).flatMap((name) => {
    const of = byMetric.get(name);
    if (!of) return [];
    const { help, kind } = METRICS[name];
    return [`# HELP ${name} ${escapedHelp(help)}`, `# TYPE ${name} ${kind}`, ...of.map(sampleLine)];
  });
  return `${lines.join('\n')}\n`;
}

function sampleLine({ metric, part, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, of]) => `${label}="${escapedLabel(of)}"`);
  const name = part === undefined ? metric : `${metric}_${part}`;
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapedLabel(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"');
}
