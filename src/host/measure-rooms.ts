import type { Catalog } from '../catalog/ports.ts';
import type { Settlement } from '../jobs/ports.ts';
import type { Meter } from '../telemetry/meter/meter.ts';
import type { HostBus } from './bus.ts';

interface MeasureNeeds {
  meter: Meter;
  catalog: Pick<Catalog, 'agents'>;
}

/** Names of versions by fingerprints of agents; more are of changes that are long past. */
const MOST_FINGERPRINTS = 5_000;

/** Counts what the rooms tell on the bus. Guest agents are not measured: they are gone with their client. */
export function measureRooms(bus: HostBus, { meter, catalog }: MeasureNeeds): void {
  const versions = new Map<string, string>();

  function rememberVersions() {
    for (const { fingerprint, version } of catalog.agents().values()) versions.set(fingerprint, version.id);
    for (const fingerprint of versions.keys()) {
      if (versions.size <= MOST_FINGERPRINTS) break;
      versions.delete(fingerprint);
    }
    meter.keep(new Set(catalog.agents().keys()));
  }

  function settled(agent: string, { state, attempts, startedAt, finishedAt, fingerprint = '' }: Settlement) {
    if (state === 'cancelled' || attempts !== undefined || !catalog.agents().has(agent)) return;
    const version = versions.get(fingerprint) ?? 'unknown';
    meter.count('attempts', { agent, labels: { version, outcome: state } });
    if (state === 'done') meter.time('duration', { agent, labels: { version } }, finishedAt - startedAt);
  }

  bus.on('agents.changed', rememberVersions);
  bus.on('attempt.settled', ({ end, agent }) => settled(agent, end));
  bus.on('worker.gone', ({ agent }) => {
    if (catalog.agents().has(agent)) meter.count('restarts', { agent });
  });
}
