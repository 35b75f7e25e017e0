import type { Catalog } from '../../catalog/ports.ts';
import { compareSources } from '../../control/source-diff.ts';
import { evidencePieces } from '../../healing/evidence-pieces.ts';
import type { Incident, IncidentStore } from '../../healing/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Scrubber } from '../../kernel/scrub.ts';
import type { EvidencePiece } from '../../plugin/fleet.ts';
import { newestLines } from '../api/log-lines.ts';
import type { HostFacts } from '../facts.ts';

export interface GatherNeeds {
  store: Pick<IncidentStore, 'incidents' | 'remedyRecords'>;
  catalog: Pick<Catalog, 'rollouts' | 'listings'>;
  journal: { scrub: Pick<Scrubber, 'value'> };
  runnableAgents(): ReadonlyMap<string, Agent>;
  facts: Pick<HostFacts, 'logFolder'>;
}

const MOST_LINES = 40;
const MOST_INCIDENTS = 50;

type Sources = { path: string; text: string }[];

/** Gathers the evidence of an incident, without secrets, in at most so many characters. A part that cannot be had is left out. */
export function createEvidenceReader(needs: GatherNeeds) {
  const { store, catalog } = needs;

  async function linesOf({ agent, jobs }: Incident) {
    const of = jobs.at(-1) === undefined ? { agent: agent ?? undefined } : { job: jobs.at(-1)! };
    const found = await newestLines(needs.facts.logFolder, { ...of, level: 'debug' }, MOST_LINES);
    return found.map(({ line: { time, level, msg } }) => ({
      at: String(time),
      level: String(level),
      message: String(msg),
    }));
  }

  /** The files of the version that ran, and of the good version, else the one before it. */
  async function sourcesOf(agent: Agent, version: string | null): Promise<{ now: Sources; before: Sources | null }> {
    const { plugin } = agent.version;
    const id = version ?? agent.version.id;
    const known = catalog.rollouts.versionsOf(plugin).map((one) => one.id);
    const good = catalog.rollouts.statesOf(agent.name).good?.version.id;
    const before = good !== undefined && good !== id ? good : known[known.indexOf(id) - 1];
    const read = async (of: string): Promise<Sources> =>
      [...(await catalog.rollouts.sourcesOf(plugin, of))].map(([path, text]) => ({ path, text }));
    return { now: await read(id), before: before === undefined ? null : await read(before) };
  }

  return async function evidenceOf(incident: Incident, mostCharacters: number): Promise<EvidencePiece[]> {
    const { agent: name, fingerprint, version, id } = incident;
    const agent = name === null ? undefined : needs.runnableAgents().get(name);
    const [records, same, lines, sources] = await Promise.all([
      store.remedyRecords(fingerprint).catch(() => []),
      store.incidents({ ...(name === null ? {} : { agent: name }), limit: MOST_INCIDENTS }).catch(() => []),
      linesOf(incident).catch(() => []),
      agent ? sourcesOf(agent, version).catch(() => undefined) : undefined,
    ]);
    const diffs = sources?.before ? compareSources(sources.before, sources.now).map(diffText) : [];
    const before = same.filter((one) => one.fingerprint === fingerprint && one.id !== id);
    const facts = { incident, records, before, agent, lines, diffs, sources: sources?.now ?? [] };
    return evidencePieces(needs.journal.scrub.value(facts), mostCharacters);
  };
}

function diffText({ path, is, hunks }: ReturnType<typeof compareSources>[number]) {
  const lines = hunks.flatMap((hunk) => [
    `@@ -${hunk.oldStart} +${hunk.newStart} @@`,
    ...hunk.lines.map(({ sign, text }) => `${sign}${text}`),
  ]);
  return { path, text: `${path} ${is} since the version before\n${lines.join('\n')}` };
}
