import { z } from 'zod';
import { countResult } from './fields.ts';

const unit = z.strictObject({ name: z.string(), file: z.string(), ofUser: z.boolean() });
const noSystemd = z.literal(false).describe('systemd does not run here.');

export const serviceInstallResult = z
  .union([
    unit.extend({ text: z.string(), notes: z.array(z.string()), dryRun: z.literal(true) }),
    unit.extend({ changed: z.literal(false), started: z.literal(false), systemd: noSystemd }),
    unit.extend({
      changed: z.boolean(),
      complaints: z.array(z.string()).nullable().describe('Of systemd-analyze verify; null: it could not look.'),
      started: z.boolean(),
      notes: z.array(z.string()),
      text: z.string(),
    }),
  ])
  .meta({ id: 'ServiceInstall', description: 'The unit of systemd that was, or would be, written.' });

export const serviceStatusResult = z
  .union([
    unit.extend({ systemd: noSystemd }),
    unit.extend({
      systemd: z.literal(true),
      state: z.string(),
      sub: z.string(),
      result: z.string(),
      pid: countResult().nullable(),
      restarts: countResult(),
      since: z.string().nullable().describe('As systemd writes times.'),
      enabled: z.boolean(),
      says: z.string().nullable().describe('What the host said last.'),
      exitCode: z.int().nullable().describe('Of the last host; null while a host is up.'),
    }),
  ])
  .meta({ id: 'ServiceStatus', description: 'What systemd says of the service.' });

export const serviceUninstallResult = unit
  .extend({
    stopped: z.boolean(),
    left: z.string().nullable().describe('A folder with changes of your own that stays.'),
  })
  .meta({ id: 'ServiceUninstall' });
