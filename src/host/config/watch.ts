import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Catalog } from '../../catalog/ports.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import { openReadOnly } from '../../store/sqlite/index.ts';
import type { SqliteStore } from '../../store/sqlite/store.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { HostFacts } from '../host-context.ts';
import type { Pauses } from '../pauses.ts';
import type { ConfigInUse } from './in-use.ts';
import { recordConfigChange } from './news.ts';
import { type ConfigProbation, createConfigProbation } from './probation.ts';
import type { Past } from './witnesses.ts';

export interface ConfigWatchNeeds {
  time: Time;
  journal: Journal;
  facts: HostFacts;
  config: ConfigInUse;
  catalog: Catalog;
  store: SqliteStore;
  events: Events;
  healer: Healer;
  jobs: Jobs;
  pauses: Pauses;
  again(why: string): void;
}

/** The probation of the host's settings, wired to the rooms. */
export function watchConfig(needs: ConfigWatchNeeds): ConfigProbation {
  const { time, journal, facts, config, events, healer, pauses } = needs;
  const log = journal.room('probation');
  config.onLive(({ logs }) => {
    journal.level(logs.level);
    journal.budget(logs.budgetBytes);
  });
  return createConfigProbation({
    ...needs,
    log,
    past() {
      const file = resolve(facts.folder, config.goodStore);
      return file === facts.storeFile ? undefined : openPast(file, time, log);
    },
    isHeld: (agent) => pauses.isPaused(agent) || healer.quarantine(agent) !== undefined,
    tell: recordConfigChange(events, healer),
  });
}

/** The store of other settings. It is read in this thread, so that each question lets the host's loop turn. */
function openPast(file: string, time: Time, log: Log): (Past & { close(): void }) | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const store = openReadOnly(file);
    const breath = async () => time.sleep(0);
    return {
      list: (filter) => breath().then(() => store.list(filter)),
      get: (id) => breath().then(() => store.get(id)),
      slots: (filter) => breath().then(() => store.slots(filter)),
      close: store.close,
    };
  } catch (error) {
    log.warn('the store of the settings before cannot be read', { file, fault: toPlainFault(error) });
    return undefined;
  }
}
