import { ofBackup } from './backup.ts';
import { ofCatalog } from './catalog.ts';
import { ofGateway } from './gateway.ts';
import { ofHealing } from './healing.ts';
import { ofHost } from './host.ts';
import { ofJobs } from './jobs.ts';
import type { Mutation } from './mutation.ts';
import { ofSchedule } from './schedule.ts';
import { ofStore } from './store.ts';
import { ofTelemetry } from './telemetry.ts';
import { ofValues } from './values.ts';
import { ofWorkers } from './workers.ts';

/** Each guard that `npm run mutate` breaks. */
export const MUTATIONS: readonly Mutation[] = [
  ...ofJobs,
  ...ofStore,
  ...ofSchedule,
  ...ofWorkers,
  ...ofHealing,
  ...ofTelemetry,
  ...ofGateway,
  ...ofCatalog,
  ...ofHost,
  ...ofValues,
  ...ofBackup,
];
