import { planOps } from '../assistants/plans.ts';
import type { Audit } from '../audit.ts';
import { pingOps } from '../health/pings.ts';
import type { HostContext } from '../host-context.ts';
import { learnOp } from '../learn/op.ts';
import { dryRunOp } from '../rehearse/dry-run.ts';
import { rehearseOp } from '../rehearse/op.ts';
import { alertLookup, alertOps } from './alerts.ts';
import { createOperations, type Operations, type OpTable } from './handlers.ts';
import { actingOps, configOps, modelDrillOps, storeOps, workerOps } from './ops-act.ts';
import { batchOps } from './ops-batch.ts';
import { deliveryLookup, deliveryOps } from './ops-hooks.ts';
import { jobOps } from './ops-jobs.ts';
import { createModelOps } from './ops-models.ts';
import { readingOps } from './ops-read.ts';
import { stateLookups, stateOps } from './ops-state.ts';
import { versionOps } from './ops-versions.ts';
import { createStatus } from './status.ts';

/** Every operation of the table, answered by a host at work. */
export function createOps(hostContext: HostContext, audit: Pick<Audit, 'of'>): Operations {
  const status = createStatus({ ...hostContext, timezone: () => hostContext.settings.timezone, running: hostContext });
  const handlers: OpTable = {
    ...readingOps(hostContext, status),
    ...actingOps(hostContext),
    ...jobOps(hostContext),
    ...batchOps(hostContext),
    ...workerOps(hostContext),
    ...modelDrillOps(hostContext),
    ...versionOps(hostContext),
    ...configOps(hostContext),
    ...rehearseOp(hostContext),
    ...dryRunOp(hostContext),
    ...learnOp(hostContext),
    ...stateLookups(hostContext.store),
    ...stateOps(hostContext),
    ...storeOps(hostContext),
    ...createModelOps(hostContext),
    ...pingOps(hostContext),
    ...planOps({ time: hostContext.time, audit, operations: () => operations }),
    ...deliveryLookup({ ...hostContext, folder: hostContext.facts.folder }),
    ...deliveryOps(hostContext),
    ...alertLookup(hostContext),
    ...alertOps(hostContext),
    ...hostContext.web.ops,
  };
  const operations = createOperations(handlers, undefined, hostContext.catalog);
  return operations;
}
