import * as z from 'zod';
import {
  incidentResult,
  secretsResult,
  stateEntryResult,
  stateMovedResult,
  stateSetResult,
  stateSizeResult,
} from './results/agent.ts';
import { alertResult, alertTestResult, windowResult } from './results/alerts.ts';
import { allowedResult, assistantResult, revokedResult } from './results/assistant.ts';
import { batchInFullResult, batchResult } from './results/batch.ts';
import {
  addResult,
  backupResult,
  completionResult,
  diffResult,
  drillResult,
  forgottenResult,
  initResult,
  newResult,
  restoreResult,
  serviceInstallResult,
  serviceStatusResult,
  serviceUninstallResult,
  stoppedResult,
  storeResult,
  testResult,
  verifiedResult,
} from './results/command.ts';
import { deliveriesResult } from './results/delivery.ts';
import { doctorResult } from './results/doctor.ts';
import { healthResult, pingForgottenResult } from './results/health.ts';
import {
  checkResult,
  eventResult,
  levelResult,
  logLineResult,
  pausedResult,
  restartedResult,
  resumedResult,
  startedResult,
} from './results/host.ts';
import { deadGroupResult, jobResult, manyOrPlanResult, nextResult, runResult, whyResult } from './results/job.ts';
import { modelsResult } from './results/models.ts';
import { reportResult } from './results/report.ts';
import { seriesResult } from './results/series.ts';
import { agentResult, configChangedResult, configShowResult, statusResult } from './results/status.ts';
import { dryRunResult, learnedResult, rehearsalResult, rolledBackResult, versionsResult } from './results/version.ts';
import { openResult } from './results/web.ts';

/**
 * The value that each command prints with `--json`, by the words of the command. Commands that print nothing of their own
 * are left out. A command that fails prints an error instead (`results/command.ts`).
 */
export const COMMAND_RESULTS: Readonly<Record<string, z.ZodType>> = {
  status: statusResult,
  top: statusResult,
  health: z.union([healthResult, pingForgottenResult]),
  incidents: z.union([z.array(incidentResult), incidentResult]),
  agents: z.union([z.array(agentResult), agentResult]),
  jobs: z.union([z.array(jobResult), jobResult]),
  events: z.union([z.array(eventResult), eventResult]),
  metrics: seriesResult,
  deliveries: z.union([deliveriesResult, jobResult]),
  logs: z.union([z.array(logLineResult), logLineResult]),
  why: whyResult,
  next: nextResult,
  state: z.union([
    z.array(stateSizeResult),
    z.array(stateEntryResult),
    stateEntryResult,
    stateSetResult,
    stateMovedResult,
    forgottenResult,
  ]),
  report: reportResult,
  secrets: secretsResult,
  models: modelsResult,
  run: z.union([runResult, dryRunResult]),
  cancel: z.union([jobResult, manyOrPlanResult]),
  pause: z.union([pausedResult, z.array(pausedResult)]),
  resume: z.union([resumedResult, z.array(resumedResult)]),
  restart: restartedResult,
  ack: incidentResult,
  mute: incidentResult,
  unmute: incidentResult,
  alerts: z.array(alertResult),
  'alerts test': z.array(alertTestResult),
  maintenance: z.array(windowResult),
  'maintenance start': windowResult,
  'maintenance end': z.array(windowResult),
  versions: versionsResult,
  diff: diffResult,
  rollback: rolledBackResult,
  rehearse: rehearsalResult,
  learn: learnedResult,
  level: levelResult,
  dlq: z.array(deadGroupResult),
  'dlq list': z.array(deadGroupResult),
  'dlq show': z.array(jobResult),
  'dlq drop': manyOrPlanResult,
  replay: manyOrPlanResult,
  'batch list': z.array(batchResult),
  'batch show': batchInFullResult,
  'batch cancel': batchResult,
  add: addResult,
  new: newResult,
  test: testResult,
  init: initResult,
  completion: completionResult,
  start: startedResult,
  stop: stoppedResult,
  open: openResult,
  'mcp allow': allowedResult,
  'mcp list': z.array(assistantResult),
  'mcp revoke': revokedResult,
  'backup list': z.array(backupResult),
  'backup now': runResult,
  'backup verify': verifiedResult,
  'backup restore': restoreResult,
  'store check': storeResult,
  'store mend': storeResult,
  'service install': serviceInstallResult,
  'service status': serviceStatusResult,
  'service uninstall': serviceUninstallResult,
  drill: z.array(drillResult),
  demo: drillResult,
  check: checkResult,
  doctor: doctorResult,
  'config show': configShowResult,
  'config rollback': configChangedResult,
  'config force': configChangedResult,
};
