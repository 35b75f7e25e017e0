import { OPERATION_OPTIONS } from './operation-options.ts';
import type { CommandRow } from './ports.ts';

const ALERTS: readonly CommandRow[] = [
  {
    usage: 'test [channel]',
    about: 'send a test through each channel, or one; exit code 1 when one is not delivered',
    run: async () => (await import('./commands/alerts.ts')).alertsTestCommand,
  },
];

const MAINTENANCE: readonly CommandRow[] = [
  {
    usage: 'start [agent]',
    about: 'nobody is told anything for a time (default: 1h)',
    options: Object.values(OPERATION_OPTIONS.maintenanceStart),
    run: async () => (await import('./commands/alerts.ts')).maintenanceStartCommand,
  },
  {
    usage: 'end [window]',
    about: 'end a window, or all; what still holds is told',
    run: async () => (await import('./commands/alerts.ts')).maintenanceEndCommand,
  },
];

/** Commands on what people are told. */
export const ALERT_COMMANDS: readonly CommandRow[] = [
  {
    usage: 'alerts [agent]',
    about: 'what you were told of, and whether it was delivered',
    run: async () => (await import('./commands/alerts.ts')).alertsCommand,
    below: ALERTS,
  },
  {
    usage: 'maintenance',
    about: 'windows in which nobody is told anything',
    run: async () => (await import('./commands/alerts.ts')).maintenanceCommand,
    below: MAINTENANCE,
  },
];
