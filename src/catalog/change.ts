import type { Agent } from '../jobs/agent.ts';
import type { CatalogChange } from './ports.ts';
import type { Resolved } from './resolve/agent.ts';

/** What makes one set of agents another one. Pure. */
export function changeBetween(
  before: ReadonlyMap<string, Resolved>,
  after: ReadonlyMap<string, Resolved>,
): CatalogChange {
  const change: CatalogChange = { added: [], changed: [], removed: [] };
  for (const [name, resolved] of after) {
    const { agent } = resolved;
    const former = before.get(name);
    if (former === resolved) continue;
    const old = former?.agent;
    if (!old) change.added.push(agent);
    else if (JSON.stringify(old) !== JSON.stringify(agent)) change.changed.push({ before: old, after: agent });
  }
  for (const [name, { agent }] of before) if (!after.has(name)) change.removed.push(agent);
  return change;
}

export function isEmptyChange({ added, changed, removed }: CatalogChange): boolean {
  return added.length + changed.length + removed.length === 0;
}

/** One line for each agent. */
export function logCatalogChange(change: CatalogChange): { message: string; data: Record<string, unknown> }[] {
  const dataOf = (agent: Agent) => ({ agent: agent.name, version: agent.version.id });
  return [
    ...change.added.map((agent) => ({ message: `${agent.name} is live`, data: dataOf(agent) })),
    ...change.changed.map(({ before, after }) => ({
      message:
        before.version.id === after.version.id
          ? `${after.name} is live with other settings`
          : `${after.name} is live with version ${after.version.id}`,
      data: { ...dataOf(after), before: before.version.id },
    })),
    ...change.removed.map((agent) => ({ message: `${agent.name} is gone`, data: dataOf(agent) })),
  ];
}
