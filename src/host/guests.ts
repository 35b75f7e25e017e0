import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createCatalog } from '../catalog/catalog.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { UNFINISHED } from '../jobs/model.ts';
import type { JobRecords } from '../jobs/ports.ts';
import { Fault } from '../kernel/fault.ts';
import type { Time } from '../kernel/time.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { HostBus } from './bus.ts';

/** A file of an installation: `plugins/canary.ts` or `agents/canary.yaml`, and its text. */
interface GuestFile {
  path: string;
  text: string;
}

/**
 * Guest agents: a client brings the files, and the host runs their jobs beside those of the installation for as long as
 * the client is connected. Guests are never scheduled, hear no topic and are in no list.
 */
export interface Guests {
  agents(): ReadonlyMap<string, Agent>;
  /**
   * Compiles the files, calls `ready` with the names of the agents, and resolves when the client is gone and with it the
   * agents; their unfinished jobs are cancelled. Rejects with the fault of a file, or with `AGENT_TAKEN`.
   */
  admit(files: readonly GuestFile[], gone: AbortSignal, ready: (agents: string[]) => void): Promise<void>;
  stop(): Promise<void>;
}

interface GuestNeeds {
  time: Time;
  journal: Pick<Journal, 'child'>;
  settings: { timezone: string };
  store: Pick<JobRecords, 'ids'>;
  jobs: Pick<Jobs, 'cancelMany'>;
  /** Of the installation: its names are not free. */
  catalog: Pick<Catalog, 'listings'>;
  bus: Pick<HostBus, 'emit'>;
}

const GONE = { code: 'GUEST_GONE', message: 'the client that brought the agent is gone' };

/** `folder`: of the installation; packages of the guests' plugins are found from there. */
export function createGuests(needs: GuestNeeds, folder: string): Guests {
  const { time, settings, store } = needs;
  const changed = () => needs.bus.emit('guests.changed', undefined);
  const log = needs.journal.child('guests');
  const root = join(folder, 'data/run/guests');
  const catalogs = new Set<Catalog>();
  const opening = new Set<Promise<unknown>>();
  let last = 0;
  let isStopped = false;
  // Left by a host that was killed.
  rmSync(root, { recursive: true, force: true });

  function agents(): Map<string, Agent> {
    return new Map([...catalogs].flatMap((catalog) => [...catalog.agents()]));
  }

  async function open(files: readonly GuestFile[]): Promise<{ catalog: Catalog; close(): Promise<void> }> {
    const place = join(root, String(++last));
    for (const part of ['plugins', 'agents']) mkdirSync(join(place, part), { recursive: true, mode: 0o700 });
    for (const { path, text } of files) {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), text);
    }
    const catalog = createCatalog(
      { time, log, hostTimezone: () => settings.timezone },
      { folder: place, versionsFolder: join(place, 'versions') },
    );
    const close = async () => {
      await catalog.stop();
      rmSync(place, { recursive: true, force: true });
    };
    try {
      await catalog.start();
      const [problem] = catalog.problems();
      if (problem) throw new Fault(problem);
      const own = new Set(needs.catalog.listings().map(({ name }) => name));
      for (const name of catalog.agents().keys()) if (own.has(name) || agents().has(name)) throw taken(name);
      return { catalog, close };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }

  async function leave(catalog: Catalog, close: () => Promise<void>): Promise<void> {
    if (!catalogs.delete(catalog)) return;
    const names = [...catalog.agents().keys()];
    changed();
    for (const agent of names) {
      const ids = await store.ids({ agent, states: [...UNFINISHED] });
      if (ids.length > 0) await needs.jobs.cancelMany(ids, GONE);
    }
    await close();
  }

  return {
    agents,
    async admit(files, gone, ready) {
      const opened = open(files);
      opening.add(opened);
      const { catalog, close } = await opened.finally(() => opening.delete(opened));
      if (isStopped) return close();
      catalogs.add(catalog);
      changed();
      ready([...catalog.agents().keys()]);
      if (!gone.aborted) await new Promise((resolve) => gone.addEventListener('abort', resolve, { once: true }));
      await leave(catalog, close);
    },
    async stop() {
      isStopped = true;
      await Promise.allSettled(opening);
      await Promise.all([...catalogs].map((catalog) => catalog.stop()));
      catalogs.clear();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function taken(name: string): Fault {
  return new Fault({
    code: 'AGENT_TAKEN',
    message: `there is an agent ${name} already`,
    next: 'give the guest agent another name',
  });
}
