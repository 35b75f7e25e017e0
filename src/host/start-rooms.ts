import { createRetention } from '../telemetry/retention.ts';
import type { Foundation } from './foundation.ts';
import type { Rooms, RoomsNeeds } from './rooms.ts';
import type { ShutdownStack } from './shutdown-stack.ts';

interface StartNeeds extends Pick<RoomsNeeds, 'time' | 'settings' | 'owner' | 'bus'> {
  rooms: Rooms;
  foundation: Foundation;
  order: ShutdownStack;
  /** The time that running jobs get to finish when the rooms stop. */
  drain: { ms: number };
}

/** Starts the rooms in order. Resolves with the ids of the jobs that ran when an earlier host ended. */
export async function startRooms({ time, settings, owner, bus, rooms, foundation, order, drain }: StartNeeds) {
  const { guests, exec, healer, workers, setup, catalog, jobs, schedule, probation, outbound, heartbeats } = rooms;
  const { store, log, asides } = foundation;
  const { onStop, startService } = order;
  onStop('loop delay', async () => rooms.loopDelay.stop());
  onStop('guests', () => guests.stop());
  await startService('exec', exec);
  await startService('healing', healer);
  await startService('pressure', rooms.pressure);
  asides.reportTo(healer);
  outbound.takeOver(healer.open());
  rooms.modelAgents.waits.takeOver(healer.open());
  // Before jobs takes them over.
  const abandoned = await store.abandoned(owner);
  await startService('ledger', rooms.billing.ledger);
  await startService('models', rooms.models);
  await startService('model drills', rooms.modelDrills);
  await startService('workers', workers);
  await startService('secrets', setup.service);
  await startService('catalog', catalog);
  await startService('mounts', rooms.mounts);
  await Promise.all([rooms.modelAgents.ready(), rooms.mounts.ready()]);
  await startService('jobs', jobs);
  await startService('batches', rooms.batches);
  // Ends that jobs settled for an earlier host are no news of these rooms: one incident tells of that host.
  jobs.onSettled((end, agent) => bus.emit('attempt.settled', { end, agent }));
  onStop('proofs of backups', async () => rooms.fleet.stop());
  onStop('draining workers', () => workers.drain(drain.ms));
  await startService('scaling', rooms.scaling);
  await startService('schedule', schedule);
  await startService('retention', createRetention({ time, log, store }, settings.retention));
  await startService('probation', probation);
  await startService('host events', rooms.hostEvents);
  await startService('always agents', rooms.alwaysAgents);
  await startService('heartbeats', heartbeats);
  await startService('aggregation', rooms.aggregation);
  await startService('usage', rooms.billing.usage);
  await startService('early warnings', rooms.earlyWarnings);
  return abandoned.map(({ id }) => id);
}
