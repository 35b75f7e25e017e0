import { dirname, isAbsolute, relative } from 'node:path';
import type { Catalog } from '../../catalog/ports.ts';
import { SOURCE_FOLDER } from '../../catalog/versions/files.ts';
import type { Agent } from '../../jobs/agent.ts';
import { pathInside } from '../../kernel/paths.ts';
import type { FleetParts } from '../../plugin/fleet.ts';
import type { UpkeepStore } from '../../telemetry/ports.ts';
import type { HostFacts } from '../facts.ts';
import { secretNamesOf } from '../secrets/secrets.ts';

const IN_FORCE = 'data/versions/in-force.json';
/** Where the store of an installation lies that keeps its store outside of itself, in a backup. */
const DEFAULT_STORE = 'data/daruma.db';
/** A backup takes these from the folder itself. */
const TAKEN = /^(plugins|agents|config|vendor)\//;

/** The parts that a backup takes beside the folders of the installation, by the agents that are in force now. */
export async function partsOf(
  catalog: Pick<Catalog, 'agents' | 'rollouts'>,
  store: Pick<UpkeepStore, 'health'>,
  { folder, version, store: { file } }: Pick<HostFacts, 'folder' | 'version' | 'store'>,
): Promise<FleetParts> {
  const agents = [...catalog.agents().values()];
  const versions = new Set<string>([IN_FORCE]);
  const sources = new Map<string, string>();
  const lacks: string[] = [];
  for (const { version: runs } of agents) {
    const home = relative(folder, dirname(runs.file));
    if (versions.has(home)) continue;
    versions.add(home);
    const texts = await catalog.rollouts.sourcesOf(runs.plugin, runs.id).catch(() => new Map<string, string>());
    if (texts.size === 0) lacks.push(`what ${runs.plugin} imports from outside of plugins/: its sources were not kept`);
    for (const path of texts.keys()) {
      if (TAKEN.test(path) || path.split('/').some((part) => part === '..' || /^\.env/.test(part))) continue;
      sources.set(path, `${home}/${SOURCE_FOLDER}/${path}`);
    }
  }
  for (const { version: runs } of agents) {
    for (const { id, agents: rollout } of catalog.rollouts.versionsOf(runs.plugin)) {
      const isNeeded = rollout.some(({ is }) => is !== 'bad');
      if (isNeeded) versions.add(`${dirname(relative(folder, dirname(runs.file)))}/${id}`);
    }
  }
  const path = pathInside(folder, file);
  const { bytes } = await store.health();
  return {
    version,
    store: { path: isAbsolute(path) ? DEFAULT_STORE : path, bytes },
    versions: [...versions].sort(),
    sources: [...sources].map(([path, from]) => ({ path, from })),
    secrets: secretsOf(agents),
    lacks,
  };
}

function secretsOf(agents: readonly Agent[]): FleetParts['secrets'] {
  const needed = new Map<string, string[]>();
  for (const agent of agents) {
    for (const secret of secretNamesOf(agent)) needed.set(secret, [...(needed.get(secret) ?? []), agent.name]);
  }
  return [...needed].sort().map(([name, who]) => ({ name, agents: who.sort() }));
}
