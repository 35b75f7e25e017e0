import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { CallLedger } from '../../gateway/models/calls.ts';
import { createModels, type Models } from '../../gateway/models/models.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Journal } from '../../telemetry/journal.ts';
import type { Meter } from '../../telemetry/meter/meter.ts';
import type { FindingStore } from '../../telemetry/ports.ts';
import type { HostFacts } from '../facts.ts';
import type { Outbound } from '../outbound.ts';
import type { Secrets } from '../secrets/secrets.ts';

interface HostModelsNeeds {
  time: Time;
  journal: Pick<Journal, 'child' | 'hide'>;
  events: Pick<Events, 'record'>;
  store: FindingStore;
  facts: Pick<HostFacts, 'folder' | 'pid'>;
  settings: Pick<HostSettings, 'models'>;
  outbound: Pick<Outbound, 'providers'>;
  /** The limits of what calls may spend. */
  ledger: CallLedger;
  meter: Pick<Meter, 'count' | 'time'>;
  secrets: Pick<Secrets, 'useForHost' | 'find' | 'seen'>;
  holds: Parameters<typeof createModels>[0]['holds'];
  refused: Parameters<typeof createModels>[0]['refused'];
  answered: Parameters<typeof createModels>[0]['answered'];
  listens: Parameters<typeof createModels>[0]['listens'];
  provenAt: Parameters<typeof createModels>[0]['provenAt'];
}

/** More rungs than a chain may have. */
const MOST_REMEMBERED = 100;

/** The models of a host: keys come from its secrets, breakers from its origins, and what it learns goes into its store. */
export function createHostModels(needs: HostModelsNeeds): Models {
  const { time, journal, events, meter, store, facts, settings, secrets } = needs;
  const { enabled, chain } = settings.models;
  const log = journal.child('models');
  if (enabled) secrets.useForHost(chain.flatMap(({ key }) => key ?? []));
  journal.hide(secrets.seen());

  function keys() {
    const found: Record<string, string> = {};
    const off: Record<string, string> = {};
    for (const { name, key } of chain) {
      if (key === null) continue;
      const secret = secrets.find(key);
      if (secret.is === 'found') found[name] = secret.value;
      else off[name] = secret.is === 'missing' ? `${key} is not set` : `${key} cannot be read`;
    }
    return { keys: found, off };
  }

  return createModels({
    ...{ time, log, enabled, keys, folder: facts.folder, parent: facts.pid },
    rungs: chain.map(({ key: _, ...rung }) => rung),
    record: (level, event) => events.record(level, { agent: null, ...event }),
    origins: needs.outbound.providers,
    ledger: needs.ledger,
    counted(rung, verdict, firstTokenMs) {
      meter.count('rung.calls', { labels: { rung, verdict } });
      if (firstTokenMs !== undefined) meter.time('rung.latency', { labels: { rung } }, firstTokenMs);
    },
    remembered: {
      async load() {
        const found = await store.findings({ kind: 'model', limit: MOST_REMEMBERED });
        return Object.fromEntries(found.map(({ key, record }) => [key, String(record.model)]));
      },
      keep(rung, model) {
        store
          .putFinding({ kind: 'model', key: rung, at: time.now(), record: { model } })
          .catch((error: unknown) => log.warn('a model could not be remembered', { fault: toPlainFault(error) }));
      },
    },
    ...{ holds: needs.holds, refused: needs.refused, answered: needs.answered, listens: needs.listens },
    provenAt: needs.provenAt,
  });
}
