import { VERSION } from './facts.ts';
import type { HostContext } from './host-context.ts';

/** Keeps it as an event that the host is at work, and tells the log what is wrong with the host itself. */
export function recordStart({ events, catalog, warnings, journal }: HostContext): void {
  events.record('info', {
    kind: 'host.started',
    agent: null,
    message: `host ${VERSION} started, pid ${process.pid}`,
    data: { agents: catalog.agents().size, node: process.versions.node },
  });
  const log = journal.room('host');
  for (const { code, message } of warnings()) log.warn(message, { code });
}
