import { join } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import { tokenFile } from '../control/token.ts';
import { createExec } from '../gateway/exec/exec.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { HostBus } from './bus.ts';
import type { HostFacts } from './facts.ts';

interface HostExecNeeds {
  time: Time;
  log: Log;
  bus: Pick<HostBus, 'emit'>;
  journal: Pick<Journal, 'scrub'>;
  facts: HostFacts;
  settings: Pick<HostSettings, 'exec'>;
}

/** Commands of agents: what the broker finds is a fact on the bus. */
export function createHostExec({ time, log, bus, journal, facts, settings }: HostExecNeeds): Exec {
  const { folder, folderId } = facts;
  return createExec(
    {
      ...{ time, log },
      left: (what) => bus.emit('command.left', journal.scrub.value(what)),
      used: (what) => bus.emit('command.used', what),
      brokerBroken: (what) => bus.emit('broker.broken', what),
    },
    {
      ...{ folder, folderId, runFolder: join(folder, 'data/run') },
      ...{ fence: settings.exec.fence, hidden: closedToCommands(facts) },
    },
  );
}

/** Files that the host reads and no command does, even where their folder is granted: secrets, the store, the control socket, settings of others. */
function closedToCommands({ folder, store, socket, logFolder }: HostFacts): string[] {
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  return [
    ...['.env', 'data/run', 'data/config'].map((name) => join(folder, name)),
    ...['', '-wal', '-shm', '-journal'].map((end) => `${store.file}${end}`),
    ...[socket, tokenFile(socket), tokenFile(socket, 'reader'), logFolder],
    ...(credentials ? [credentials] : []),
  ];
}
