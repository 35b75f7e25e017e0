import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCatalog } from '../../catalog/catalog.ts';
import type { Ops } from '../../control/protocol.ts';
import { silentLog } from '../../kernel/log.ts';
import { machineTime } from '../../kernel/time.ts';
import { openConfigFiles } from '../config/files.ts';
import { configProblems, readConfig } from '../config/read.ts';
import { zoneWarning } from '../zone-warning.ts';

/**
 * Problems of the plugin and agent files of an installation whose host is down: the plugins are compiled and inspected as
 * a host does it, into a temporary folder. Nothing in the installation changes.
 */
export async function checkFiles(folder: string): Promise<Ops['check']['value']> {
  const { settings, origins } = readConfig(openConfigFiles(folder), { unattended: true, now: machineTime.now() });
  const versionsFolder = await mkdtemp(join(tmpdir(), 'daruma-check-'));
  const catalog = createCatalog(
    { time: machineTime, log: silentLog, hostTimezone: () => settings.timezone },
    { folder, versionsFolder },
  );
  try {
    await catalog.start();
    return {
      agents: [...catalog.agents().keys()].sort(),
      problems: [...configProblems(folder), ...zoneWarning(origins()), ...catalog.problems()],
      notes: catalog.notes(),
    };
  } finally {
    await catalog.stop();
    await rm(versionsFolder, { recursive: true, force: true });
  }
}
