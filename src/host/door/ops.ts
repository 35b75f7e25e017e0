import type { Op } from '../../control/protocol.ts';
import { drillOp } from '../drills/op.ts';
import type { House } from '../house.ts';
import { rehearseOp } from '../rehearse/op.ts';
import type { OpCall, OpTable } from './control-server.ts';
import { readArgs } from './op-args.ts';
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
  return checked({
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

/** Every op gets arguments that were read, whoever calls it. */
function checked(table: OpTable): OpTable {
  const ops = Object.entries(table) as [Op, (args: never, call: OpCall) => Promise<unknown>][];
  return Object.fromEntries(
    ops.map(([op, answer]) => [op, async (args: unknown, call: OpCall) => answer(readArgs(op, args) as never, call)]),
  ) as unknown as OpTable;
}
