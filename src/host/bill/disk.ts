import type { Catalog } from '../../catalog/ports.ts';
import type { StateStore } from '../../jobs/ports.ts';
import { DAY_MS } from '../../kernel/measures.ts';
import { logFiles } from '../../telemetry/log-files.ts';
import type { MetricSeries, MetricStore } from '../../telemetry/meter/ports.ts';

interface DiskNeeds {
  store: Pick<StateStore, 'stateSizes'> & Pick<MetricStore, 'metrics'>;
  catalog: Pick<Catalog, 'agents' | 'rollouts'>;
  logFolder: string;
}

/** The bytes that each agent takes on disk: its state in the store, its share of the versions of its plugin, and its share of the log files. */
export async function diskOf({ store, catalog, logFolder }: DiskNeeds, now: number): Promise<Map<string, number>> {
  const state = new Map((await store.stateSizes()).map(({ agent, bytes }) => [agent, bytes]));
  const logs = await logsOf(store, logFolder, now);
  const agents = [...catalog.agents().values()];
  const versions = new Map(
    [...Map.groupBy(agents, ({ version }) => version.plugin)].map(([plugin, those]) => {
      const bytes = catalog.rollouts.versionsOf(plugin).reduce((sum, version) => sum + version.bytes, 0);
      return [plugin, Math.round(bytes / those.length)];
    }),
  );
  return new Map(
    agents.map(({ name, version }) => {
      const parts = [state.get(name), versions.get(version.plugin), logs.get(name)];
      return [name, parts.reduce<number>((sum, bytes = 0) => sum + bytes, 0)];
    }),
  );
}

/** The log files, shared out by what was written since the day of the oldest of them. Closed files are compressed, whoever wrote them. */
async function logsOf(store: Pick<MetricStore, 'metrics'>, folder: string, now: number): Promise<Map<string, number>> {
  const files = logFiles(folder, 'daruma');
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const oldest = Math.min(now, ...files.map(({ changedAt }) => changedAt));
  const from = Math.floor(oldest / DAY_MS) * DAY_MS;
  const written = await store.metrics({ span: 'day', from, to: now, name: 'log.written' });
  const all = written.reduce((sum, series) => sum + sumOf(series), 0);
  return new Map(
    written.flatMap((series) =>
      series.agent === null ? [] : [[series.agent, Math.round((sumOf(series) / all) * bytes)] as const],
    ),
  );
}

function sumOf({ points }: MetricSeries): number {
  return points.reduce((sum, { value }) => sum + value.sum, 0);
}
