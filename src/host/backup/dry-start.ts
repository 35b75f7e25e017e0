import { join, resolve } from 'node:path';
import { createCatalog } from '../../catalog/catalog.ts';
import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import { createInForceFile } from '../../catalog/in-force.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { silentLog } from '../../kernel/log.ts';
import { machineTime } from '../../kernel/time.ts';
import { openStore } from '../../store/open.ts';
import { openConfigFiles } from '../config/files.ts';
import { readConfig } from '../config/read.ts';
import { VERSIONS_FOLDER } from '../facts.ts';

/**
 * Starts an unpacked installation up to the point at which agents would begin to work: settings are read, the store is opened with
 * today's schema and asked as a host asks it, the catalog finds the agents. No job is claimed, no slot planned, no worker
 * started. Returns the names of the agents, sorted. Throws `BACKUP_NO_START` with what a host would stumble over, also when an agent
 * that was in force is not there.
 */
export async function dryStart(folder: string, store: string): Promise<string[]> {
  try {
    const { settings } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
    await readStore(resolve(folder, store));
    return await agentsOf(folder, settings);
  } catch (error) {
    const { message, file, line } = toPlainFault(error);
    const place = file === undefined ? {} : { file, ...(line === undefined ? {} : { line }) };
    throw new Fault(noStart(message, place), { cause: error });
  }
}

/** The questions of a host that takes up jobs and slots. */
async function readStore(file: string): Promise<void> {
  const store = openStore({ time: machineTime, log: silentLog, onFailure() {} }, { file });
  await store.start();
  try {
    await Promise.all([store.paused(), store.nextSlots(), store.overview(), store.quarantines()]);
  } finally {
    await store.stop();
  }
}

async function agentsOf(
  folder: string,
  { timezone, links }: Pick<HostSettings, 'timezone' | 'links'>,
): Promise<string[]> {
  const versionsFolder = join(folder, VERSIONS_FOLDER);
  const wanted = (await createInForceFile(versionsFolder, silentLog).read()).agents;
  const catalog = createCatalog(
    { time: machineTime, log: silentLog, hostTimezone: () => timezone },
    { folder, versionsFolder, linkFolders: links.folders },
  );
  try {
    const missing = () => [...wanted.keys()].filter((name) => !catalog.agents().has(name)).sort();
    await catalog.start();
    // A host starts with the agents that it has by then, and a busy machine compiles the others a little later.
    if (missing().length > 0) await catalog.rescan();
    if (missing().length > 0) {
      const why = catalog.problems().map(({ file, message }) => (file === undefined ? message : `${file}: ${message}`));
      throw new Error([`${missing().join(', ')} would not run`, ...why.slice(0, 3)].join('; '));
    }
    return [...catalog.agents().keys()].sort();
  } finally {
    await catalog.stop();
  }
}

function noStart(why: string, place: Pick<PlainFault, 'file' | 'line'>): PlainFault {
  return {
    code: 'BACKUP_NO_START',
    message: `an installation that is restored from the backup would not start: ${why}`,
    next: 'daruma check says whether the installation itself has the same problem; then daruma backup now',
    ...place,
  };
}
