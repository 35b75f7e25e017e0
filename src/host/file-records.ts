import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog, CatalogChange, FileReport } from '../catalog/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import { shortId } from '../kernel/short-id.ts';
import { subject } from '../kernel/subjects.ts';
import type { Events } from '../telemetry/events.ts';
import type { FleetEvent } from '../telemetry/ports.ts';
import { userName } from './api/peer.ts';

interface FileRecordsNeeds {
  events: Pick<Events, 'record'>;
  catalog: Pick<Catalog, 'onChange' | 'onFileReport'>;
  /** The installation, absolute. */
  folder: string;
}

/** An agent that came, became another or went, and is not told yet. */
type AgentChange = { is: 'added' | 'removed'; agent: Agent } | { is: 'changed'; agent: Agent; before: Agent };

/**
 * Records each saved file, and each agent that is another one by it. The catalog tells of a change of agents and then of the files that
 * made it, in one turn: a change without a file is a rollback or a person's choice, which have events of their own.
 */
export function recordFiles({ events, catalog, folder }: FileRecordsNeeds): void {
  /** By name, and the names by plugin: a thousand files that come together must not each look through a thousand changes. */
  const changes = new Map<string, AgentChange>();
  const namesOf = new Map<string, string[]>();

  catalog.onChange((change) => {
    for (const one of changesOf(change)) {
      const { name, version } = one.agent;
      changes.set(name, one);
      const names = namesOf.get(version.plugin);
      if (names) names.push(name);
      else namesOf.set(version.plugin, [name]);
    }
    queueMicrotask(() => {
      changes.clear();
      namesOf.clear();
    });
  });
  catalog.onFileReport((report) => {
    events.record(report.is === 'rejected' ? 'warn' : 'info', fileEvent(report, folder));
    const ofPlugin = report.file.startsWith('plugins/') ? namesOf.get(report.plugin ?? '') : undefined;
    for (const name of [...report.agents, ...agentOfFile(report.file), ...(ofPlugin ?? [])]) {
      const one = changes.get(name);
      if (!one) continue;
      changes.delete(name);
      events.record('info', agentEvent(one, report));
    }
  });
}

function changesOf({ added, changed, removed }: CatalogChange): AgentChange[] {
  return [
    ...added.map((agent): AgentChange => ({ is: 'added', agent })),
    ...changed.map(({ before, after }): AgentChange => ({ is: 'changed', agent: after, before })),
    ...removed.map((agent): AgentChange => ({ is: 'removed', agent })),
  ];
}

/** The name of the agent whose file it is, if it is such a file. */
function agentOfFile(file: string): string[] {
  const found = /^agents\/(.+)\.ya?ml$/.exec(file);
  return found ? [found[1]!] : [];
}

const FILE_WORDS = { accepted: 'saved', rejected: 'rejected', removed: 'removed' } as const;

function fileEvent({ file, is, plugin, version, problem }: FileReport, folder: string): Omit<FleetEvent, 'at'> {
  const owner = is === 'removed' ? undefined : ownerOf(join(folder, file));
  const taken = is === 'accepted' && version && file.startsWith('plugins/') ? `: version ${shortId(version)}` : '';
  return {
    kind: `file.${FILE_WORDS[is]}`,
    agent: null,
    message: problem ? `${file} was saved, and rejected: ${problem.message}` : `${file} was ${FILE_WORDS[is]}${taken}`,
    data: { file, plugin, version, ...(problem ? { code: problem.code } : {}) },
    who: owner ? `owner:${owner}` : null,
    about: [subject.file(file)],
  };
}

/** The file's owner: no kernel keeps who wrote it. undefined: the file is gone, or the machine has no name for the user. */
function ownerOf(path: string): string | undefined {
  try {
    return userName(statSync(path).uid);
  } catch {
    return undefined;
  }
}

function agentEvent(change: AgentChange, { file }: FileReport): Omit<FleetEvent, 'at'> {
  const { is, agent } = change;
  const { name, version } = agent;
  const before = is === 'changed' && change.before.version.id !== version.id ? change.before.version.id : null;
  const id = shortId(version.id);
  const words = {
    added: `${name} is there, with version ${id}`,
    changed: before ? `${name} has version ${id} in place of ${shortId(before)}` : `${name} has other settings`,
    removed: `${name} is gone`,
  };
  return {
    ...{ kind: `agent.${is}`, agent: name, message: words[is], data: { version: version.id, before, file } },
    ...{ who: 'catalog', about: [subject.version(name, version.id), subject.agent(name)] },
    cameOf: [subject.file(file)],
  };
}
