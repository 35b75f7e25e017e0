import { createHostAlerts, type HostAlerts } from '../alerts/build.ts';
import { planOps } from '../assistants/plans.ts';
import { type Audit, createAudit } from '../audit.ts';
import type { Foundation } from '../foundation.ts';
import { createPings, pingOps } from '../health/pings.ts';
import { createHooks } from '../hooks/hooks.ts';
import { createRefusals } from '../hooks/refusals.ts';
import { createHostContext, type HostContext } from '../host-context.ts';
import { learnOp } from '../learn/op.ts';
import type { Watched } from '../lifecycle/outside.ts';
import type { HandlesWatch } from '../lifecycle/watch-handles.ts';
import { dryRunOp } from '../rehearse/dry-run.ts';
import { rehearseOp } from '../rehearse/op.ts';
import type { Rooms, RoomsNeeds } from '../rooms.ts';
import { createWeb, type Web } from '../web/web.ts';
import { alertLookup, alertOps } from './alerts.ts';
import { createOperations, type Operations, type OpTable } from './handlers.ts';
import { createHoldUps } from './hold-ups.ts';
import { actingOps, configOps, modelDrillOps, storeOps, workerOps } from './ops-act.ts';
import { batchOps } from './ops-batch.ts';
import { deliveryLookup, deliveryOps } from './ops-hooks.ts';
import { jobOps } from './ops-jobs.ts';
import { createModelOps } from './ops-models.ts';
import { readingOps } from './ops-read.ts';
import { stateLookups, stateOps } from './ops-state.ts';
import { versionOps } from './ops-versions.ts';
import { createStatus } from './status.ts';

/** Everything by which people and programs reach a host: built, and not yet open. */
interface HostApi {
  hostContext: HostContext;
  /** The operations of the control socket. */
  ops: Operations;
  audit: Audit;
  web: Web;
  alerts: HostAlerts;
}

interface HostApiNeeds extends Omit<RoomsNeeds, 'journal' | 'store' | 'events' | 'meter' | 'again'> {
  foundation: Foundation;
  rooms: Rooms;
  watched: Watched;
  /** Writes a text to the terminal of the host; undefined: the host has none. */
  say: ((text: string) => void) | undefined;
  /** The watch over what the host holds; undefined until it is started. */
  handles(): HandlesWatch | undefined;
}

/** Builds operations, page, deliveries and alerts out of rooms that are started. `stop` begins to stop the host. */
export function createHostApi(needs: HostApiNeeds, stop: () => void): HostApi {
  const { time, facts, foundation, rooms, say } = needs;
  const { journal, log, store, events } = foundation;
  const operations = () => ops;
  const pings = createPings({ folder: facts.folder, heartbeats: rooms.heartbeats });
  const hooks = createHooks({
    time,
    ...rooms,
    store,
    events,
    secrets: rooms.setup.secrets,
    holdUpsOf: createHoldUps({ ...rooms, time, store }),
    refusals: createRefusals({ time, log, folder: facts.folder }),
  });
  const audit = createAudit({ time, events, scrub: journal.scrub });
  const web = createWeb({ ...needs, journal, store, events, operations, pings, hooks, audit });
  const alerts = createHostAlerts({ ...needs, warnings: () => hostContext.warnings(), say });
  const hostContext = createHostContext({ ...needs, web, hooks, alerts }, stop);
  const ops = createOps(hostContext, audit);
  return { hostContext, ops, audit, web, alerts };
}

/** Every operation of the table, answered by a host at work. */
function createOps(hostContext: HostContext, audit: Pick<Audit, 'of'>): Operations {
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
