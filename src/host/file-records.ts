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
  const changes = new Map<string, AgentChange>();

  catalog.onChange((change) => {
    for (const one of changesOf(change)) changes.set(one.agent.name, one);
    queueMicrotask(() => changes.clear());
  });
  catalog.onFileReport((report) => {
    events.record(report.is === 'rejected' ? 'warn' : 'info', fileEvent(report, folder));
    for (const one of changes.values()) {
      if (!isOf(one.agent, report)) continue;
      changes.delete(one.agent.name);
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

function isOf({ name, version }: Agent, { file, plugin, agents }: FileReport): boolean {
  if (agents.includes(name) || file === `agents/${name}.yaml` || file === `agents/${name}.yml`) return true;
  return file.startsWith('plugins/') && plugin === version.plugin;
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
