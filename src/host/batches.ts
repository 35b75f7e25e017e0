import type { Catalog } from '../catalog/ports.ts';
import type { Batch } from '../jobs/batch.ts';
import { type Batches, createBatches } from '../jobs/batches.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { subject } from '../kernel/subjects.ts';
import type { Time } from '../kernel/time.ts';
import type { Store } from '../store/ports.ts';
import type { Events } from '../telemetry/events.ts';
import { staleTimes } from './api/batches.ts';
import type { HostBus } from './bus.ts';

interface HostBatchesNeeds {
  time: Time;
  log: Log;
  store: Store;
  events: Pick<Events, 'record'>;
  bus: Pick<HostBus, 'emit'>;
  catalog: Pick<Catalog, 'agents'>;
}

/** The batches of a host: the end of each is an event. */
export function createHostBatches({ time, log, store, events, bus, catalog }: HostBatchesNeeds): Batches {
  return createBatches({
    ...{ time, log, store },
    staleAfterMs: () => staleTimes(catalog),
    changed: () => bus.emit('batch.changed', undefined),
    onEnd: (batch) => events.record('info', endEvent(batch)),
  });
}

const EVENT_KINDS = { replay: 'job.replayed', drop: 'job.dropped', cancel: 'job.cancelled' } as const;
const DONE_WORDS = { replay: 'are run again', drop: 'were dropped', cancel: 'were cancelled by hand' } as const;

function endEvent(batch: Batch) {
  const { id, act, state, total, results, set, reason } = batch;
  const { done, ...others } = results;
  const rest = Object.entries(others).flatMap(([is, count]) => (count > 0 ? [`${count} ${is}`] : []));
  const ended =
    state === 'cancelled'
      ? [`ended by hand with ${total - done - others.stale - others.gone - others.failed} left`]
      : [];
  const more = [...rest, ...ended].map((one) => `, ${one}`).join('');
  return {
    kind: EVENT_KINDS[act],
    agent: set.agent ?? null,
    message: `${done} jobs ${DONE_WORDS[act]} (${id}${more})`,
    data: { batch: id, ...set, ...results, ...given({ reason: reason ?? undefined }) },
    about: [subject.batch(id)],
    cameOf: [subject.batch(id)],
  };
}
