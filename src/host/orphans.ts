import type { Catalog, GoneAgent } from '../catalog/ports.ts';
import type { AgentOverview, JobRecords, StateStore } from '../jobs/ports.ts';
import { isDrillAgent } from '../kernel/drill-agents.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { subject } from '../kernel/subjects.ts';
import type { Events } from '../telemetry/events.ts';
import type { Journal } from '../telemetry/journal.ts';

/** Jobs that wait for an agent that nothing in the folders names any more. */
interface Orphans {
  agent: string;
  /** Jobs that are queued, or wait for their next attempt. */
  waiting: number;
  queued: number;
}

/** Pure. */
export function orphansOf(overviews: readonly AgentOverview[], listings: readonly { name: string }[]): Orphans[] {
  const names = new Set(listings.map(({ name }) => name));
  return overviews.flatMap(({ agent, queued, retrying }) => {
    const waiting = queued + retrying;
    return waiting === 0 || names.has(agent) || isDrillAgent(agent) ? [] : [{ agent, waiting, queued }];
  });
}

/** The problem that people see, with the ways out. */
export function orphanProblem(
  { agent, waiting }: Pick<Orphans, 'agent' | 'waiting'>,
  gone: readonly GoneAgent[] = [],
): PlainFault {
  const heir = gone.find((one) => one.agent === agent)?.heir;
  const renamed = heir ? ` (it may be ${heir} now)` : '';
  const jobs = waiting === 1 ? '1 job waits' : `${waiting} jobs wait`;
  return {
    code: 'JOBS_WITHOUT_AGENT',
    message: `${jobs} for ${agent}, which is no agent any more${renamed}: they run when a file of that name is there again`,
    next: `daruma jobs ${agent}; daruma cancel --agent ${agent} --state queued; or bring agents/${agent}.yaml back`,
    data: { agent, waiting },
  };
}

/** Says of agents that went what they leave behind under their old name: state that a renamed agent begins without. */
export async function stateLeft(
  gone: readonly GoneAgent[],
  store: Pick<StateStore, 'stateSizes'>,
): Promise<PlainFault[]> {
  if (gone.length === 0) return [];
  const sizes = new Map((await store.stateSizes()).map(({ agent, keys }) => [agent, keys]));
  return gone.flatMap(({ agent, heir }) => {
    const keys = sizes.get(agent) ?? 0;
    if (keys === 0) return [];
    const without = heir ? `; ${heir} began without it` : '';
    return {
      code: 'STATE_WITHOUT_AGENT',
      message: `the state of ${agent} (${keys} ${keys === 1 ? 'key' : 'keys'}) stays under its name, and no agent has that name now${without}`,
      next: `daruma state ${agent} --move-to ${heir ?? '<agent>'} --yes, or daruma state ${agent} --delete --all --yes`,
      data: { agent, keys },
    };
  });
}

interface OrphanWatchNeeds {
  store: Pick<JobRecords, 'overview'> & Pick<StateStore, 'stateSizes'>;
  events: Pick<Events, 'record'>;
  journal: Pick<Journal, 'child'>;
  catalog: Pick<Catalog, 'listings' | 'gone'>;
}

/** Keeps it as an event, once, when agents go and leave jobs or state behind. Call it after each change of the set; it never rejects. */
export function watchOrphans({ store, events, journal, catalog }: OrphanWatchNeeds): () => Promise<void> {
  const log = journal.child('host');
  let reported = new Set<string>();
  return () =>
    checkOrphans().catch((error) =>
      log.warn('jobs and state of agents that are gone could not be checked', { fault: toPlainFault(error) }),
    );

  async function checkOrphans() {
    const gone = catalog.gone();
    const orphans = orphansOf(await store.overview(), catalog.listings());
    const faults = [...orphans.map((one) => orphanProblem(one, gone)), ...(await stateLeft(gone, store))];
    const now = new Set<string>();
    for (const { code, message, data } of faults) {
      const agent = String(data?.agent);
      const key = `${code} ${agent}`;
      now.add(key);
      const event = { kind: 'agent.left', agent, message, data: { code, ...data }, cameOf: [subject.agent(agent)] };
      if (!reported.has(key)) events.record('warn', event);
    }
    reported = now;
  }
}
