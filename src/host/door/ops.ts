import { drillOp } from '../drills/op.ts';
import type { House } from '../house.ts';
import { rehearseOp } from '../rehearse/op.ts';
import type { OpTable } from './control-server.ts';
import { withReadArgs } from './op-args.ts';
import { actingOps } from './ops-act.ts';
import { configOps } from './ops-config.ts';
import { jobOps } from './ops-jobs.ts';
import { readingOps } from './ops-read.ts';
import { storeOps } from './ops-store.ts';
import { versionOps } from './ops-versions.ts';
import { stateLookups, stateOps } from './state.ts';
import { createStatus } from './status.ts';

/** Everything that the control socket answers. What the page will be able to do, the command line can do. */
export function createOps(house: House): OpTable {
  const status = createStatus({ ...house, running: house });
  return withReadArgs({
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
  });
}
