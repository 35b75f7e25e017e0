import { VERSION } from './facts.ts';
import type { House } from './house.ts';

/** Keeps it as an event that the host is at work, and tells the log what is wrong with the host itself. */
export function tellStarted({ events, catalog, concerns, journal }: House): void {
  events.record('info', {
    kind: 'host.started',
    agent: null,
    message: `host ${VERSION} started, pid ${process.pid}`,
    data: { agents: catalog.agents().size, node: process.versions.node },
  });
  const log = journal.room('host');
  for (const { code, message } of concerns()) log.warn(message, { code });
}
