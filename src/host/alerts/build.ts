import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Foundation } from '../foundation.ts';
import { pingsOf } from '../health/pings.ts';
import type { Rooms, RoomsNeeds } from '../rooms.ts';
import { type Alerts, createAlerts } from './alerts.ts';
import { type Channels, createChannels } from './channels.ts';
import { type AlertFile, openAlertFile } from './local.ts';
import { warningTroubles } from './warnings.ts';

/** Alerts of a host, and the agents that post them. */
export interface HostAlerts {
  service: Alerts;
  channels: Channels;
  /** Adds a block to the file of alerts, as the settings name it. May throw. */
  write(key: string, block: string): void;
}

interface HostAlertsNeeds extends Pick<RoomsNeeds, 'time' | 'facts' | 'settings' | 'config' | 'bus'> {
  foundation: Foundation;
  rooms: Rooms;
  /** Problems of the host itself. */
  warnings(): PlainFault[];
  say: ((text: string) => void) | undefined;
}

/** Builds alerts out of the rooms, and has them look when something has happened. */
export function createHostAlerts(needs: HostAlertsNeeds): HostAlerts {
  const { time, facts, settings, bus, foundation, rooms } = needs;
  const { store, journal, events } = foundation;
  const channels = createChannels({ time, store, settings, ...rooms });
  let file: { path: string; alerts: AlertFile } | undefined;

  function write(key: string, block: string) {
    const path = resolve(facts.folder, settings.alerts.file ?? '');
    if (file?.path !== path) file = { path, alerts: openAlertFile(path) };
    file.alerts.add(key, block);
  }

  const service = createAlerts({
    ...{ time, store, settings, channels, write, events, say: needs.say },
    ...{ healer: rooms.healer, states: rooms.states, runnableAgents: rooms.runnableAgents },
    ...{ log: journal.child('alerts'), scrub: journal.scrub, startedAt: facts.startedAt },
    pings: () => pingsOf({ time, heartbeats: rooms.heartbeats }),
    warnings: needs.warnings,
    earlyWarnings: () => warningTroubles(rooms.earlyWarnings.current(), time.now()),
    place: `${hostname()} ${basename(facts.folder)}`,
    page: settings.web.origin,
  });
  bus.on('attempt.settled', ({ end, agent }) => {
    if (end.state === 'dead') service.soon();
    service.ended(agent);
  });
  bus.on('warnings.changed', service.soon);
  bus.on('placement.changed', service.soon);
  bus.on('agents.changed', service.soon);
  store.healingChanges(service.soon);
  needs.config.onLive(service.soon);
  return { service, channels, write };
}
