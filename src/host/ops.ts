import type { OpTable } from './control-server.ts';
import type { FleetView } from './fleet.ts';
import type { House } from './house.ts';
import { actingOps } from './ops-act.ts';
import { readingOps } from './ops-read.ts';
import { createStatus } from './status.ts';

/** Everything that the control socket answers. What the page will be able to do, the command line can do. */
export function createOps(house: House, _fleet: FleetView): OpTable {
  const status = createStatus(house);
  return { ...readingOps(house, status), ...actingOps(house) };
}
