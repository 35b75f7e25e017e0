import { drillOp } from '../drills/op.ts';
import type { House } from '../house.ts';
import { rehearseOp } from '../rehearse/op.ts';
import { createOperations, type Operations, type OpTable } from './handlers.ts';
import { actingOps } from './ops-act.ts';
import { configOps } from './ops-config.ts';
import { jobOps } from './ops-jobs.ts';
import { readingOps } from './ops-read.ts';
import { storeOps } from './ops-store.ts';
import { versionOps } from './ops-versions.ts';
import { stateLookups, stateOps } from './state.ts';
import { createStatus } from './status.ts';

/** Every operation of the table, answered by a host at work. */
export function createOps(house: House): Operations {
  const status = createStatus({ ...house, running: house });
  const handlers: OpTable = {
    ...readingOps(house, status),
    ...actingOps(house),
    ...jobOps(house),
    ...drillOp(house),
    ...versionOps(house),
    ...configOps(house),
    ...rehearseOp(house),
    ...stateLookups(house.store),
    ...stateOps(house),
    ...storeOps(house),
  };
  return createOperations(handlers);
}
