import { z } from 'zod';
import { backupResult, proofResult, restoreResult } from './results/backup.ts';
import { completionResult, diffResult, initResult, newResult, testResult } from './results/build.ts';
import { forgottenResult, stoppedResult } from './results/command.ts';
import { configChangedResult, configShowResult } from './results/config.ts';
import { drillResult } from './results/drill.ts';
import { checkResult, levelResult, pausedResult, resumedResult, startedResult } from './results/host.ts';
import { incidentResult } from './results/incident.ts';
import { deadGroupResult, jobResult, manyOrPlanResult, runResult } from './results/job.ts';
import { logLineResult } from './results/log-line.ts';
import { rehearsalResult } from './results/rehearsal.ts';
import { secretsResult } from './results/secrets.ts';
import { serviceInstallResult, serviceStatusResult, serviceUninstallResult } from './results/service.ts';
import { stateEntryResult, stateMovedResult, stateSetResult, stateSizeResult } from './results/state.ts';
import { agentResult, statusResult } from './results/status.ts';
import { storeResult } from './results/store.ts';
import { rolledBackResult, versionsResult } from './results/version.ts';
import { nextResult, whyResult } from './results/why.ts';

/**
 * The value that each command prints with `--json`, by the words of the command. Commands that print nothing of their own
 * are left out. A command that fails prints an error instead (`results/command.ts`).
 */
export const COMMAND_RESULTS: Readonly<Record<string, z.ZodType>> = {
  status: statusResult,
  incidents: z.union([z.array(incidentResult), incidentResult]),
  agents: z.union([z.array(agentResult), agentResult]),
  jobs: z.union([z.array(jobResult), jobResult]),
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
  secrets: secretsResult,
  run: runResult,
  cancel: z.union([jobResult, manyOrPlanResult]),
  pause: z.union([pausedResult, z.array(pausedResult)]),
  resume: z.union([resumedResult, z.array(resumedResult)]),
  ack: incidentResult,
  versions: versionsResult,
  diff: diffResult,
  rollback: rolledBackResult,
  rehearse: rehearsalResult,
  level: levelResult,
  dlq: z.array(deadGroupResult),
  'dlq list': z.array(deadGroupResult),
  'dlq show': z.array(jobResult),
  'dlq drop': manyOrPlanResult,
  replay: manyOrPlanResult,
  new: newResult,
  test: testResult,
  init: initResult,
  completion: completionResult,
  start: startedResult,
  stop: stoppedResult,
  'backup list': z.array(backupResult),
  'backup now': runResult,
  'backup verify': proofResult,
  'backup restore': restoreResult,
  'store check': storeResult,
  'store mend': storeResult,
  'service install': serviceInstallResult,
  'service status': serviceStatusResult,
  'service uninstall': serviceUninstallResult,
  drill: z.array(drillResult),
  demo: drillResult,
  check: checkResult,
  'config show': configShowResult,
  'config rollback': configChangedResult,
  'config force': configChangedResult,
};
