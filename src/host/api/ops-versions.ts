import type { Catalog, Rollouts, VersionFacts } from '../../catalog/ports.ts';
import type { VersionView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { shortId } from '../../kernel/short-id.ts';
import { subject } from '../../kernel/subjects.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { HostContext } from '../host-context.ts';
import { type OpTable, whoOf } from './handlers.ts';
import { agentInForce } from './known.ts';

interface VersionNeeds {
  catalog: Pick<Catalog, 'listings'>;
  versions: () => Promise<Pick<Rollouts, 'versionsOf' | 'sourcesOf'>>;
  /** The id of the version that serves an agent; undefined: that of its set in force. */
  serves?: (agent: string) => string | undefined;
}

/** Answers `versions` and `sources` out of the versions' folder. */
export function versionLookup({ catalog, versions, serves }: VersionNeeds): Pick<OpTable, 'versions' | 'sources'> {
  /** A plugin's name, or that of an agent of it. */
  function pluginOf(name: string, kept: Pick<Rollouts, 'versionsOf'>): string {
    const listings = catalog.listings();
    const plugin = listings.some((one) => one.plugin === name)
      ? name
      : (listings.find((one) => one.name === name)?.plugin ?? name);
    if (kept.versionsOf(plugin).length > 0) return plugin;
    const near = suggest(
      name,
      listings.map((one) => one.plugin),
    );
    const message = `no version of a plugin ${name} is kept`;
    throw new Fault({ code: 'PLUGIN_UNKNOWN', message, next: near ? `did you mean ${near}?` : 'daruma agents' });
  }

  /** The version that serves: the version before, until the first worker of the version in force has started. */
  function view(facts: VersionFacts): VersionView {
    const agents = facts.agents.map((one) => {
      const id = serves?.(one.agent);
      return id === undefined ? one : { ...one, runs: id === facts.id };
    });
    return viewVersion({ ...facts, agents });
  }

  return {
    async versions({ plugin }) {
      const kept = await versions();
      const name = pluginOf(plugin, kept);
      return { plugin: name, versions: kept.versionsOf(name).map(view).reverse() };
    },

    async sources({ plugin, version }) {
      const kept = await versions();
      const name = pluginOf(plugin, kept);
      const files = await kept.sourcesOf(name, version);
      return { plugin: name, files: [...files].map(([path, text]) => ({ path, text })) };
    },
  };
}

/** The operations on versions: the list, the sources, and the rollback. */
export function versionOps({
  catalog,
  events,
  placements,
}: Pick<HostContext, 'catalog' | 'events' | 'placements'>): Pick<OpTable, 'versions' | 'rollback' | 'sources'> {
  const { rollouts } = catalog;
  return {
    ...versionLookup({
      catalog,
      versions: async () => rollouts,
      serves: (agent) => placements.of(agent)?.version.id,
    }),

    async rollback({ agent: name, version, force, latest }, call) {
      const before = agentInForce(catalog, name).version.id;
      const agent = latest ? rollouts.latest(name) : await rollouts.rollBack(name, given({ version, force }));
      const { id } = agent.version;
      const rollout = catalog.listings().find((one) => one.name === name)?.rollout ?? 'good';
      events.record('info', {
        kind: 'version.chosen',
        agent: name,
        message: latest ? `${name} follows its files again` : `${name} was put on version ${shortId(id)} by hand`,
        data: { before, version: id, rollout },
        about: [subject.version(name, id), subject.agent(name)],
        cameOf: [subject.version(name, before)],
        ...given({ who: whoOf(call) }),
      });
      return { agent: name, before, version: id, rollout };
    },
  };
}

function viewVersion({ id, madeAt, bytes, agents }: VersionFacts): VersionView {
  const words = agents.map(({ is }) => is);
  const rollout = (['probation', 'good', 'bad'] as const).find((word) => words.includes(word)) ?? 'unused';
  return { id, madeAt: isoOf(madeAt), bytes, rollout, agents };
}
