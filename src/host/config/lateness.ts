import { LATE_AFTER_MS } from '../../healing/late.ts';
import type { JobStore } from '../../jobs/ports.ts';
import type { Slot, SlotStore } from '../../schedule/ports.ts';

/** Whether the job of one slot began when it should. */
export interface Lateness {
  agent: string;
  isLate: boolean;
}

export interface LatenessNeeds {
  slots: SlotStore['slots'];
  get: JobStore['get'];
}

/** Of more slots only the newest are looked at: each costs a question. */
const MOST_SLOTS = 300;

/**
 * Looks at slots with from ≤ due < to that asked for a job. `asOf`: what had not begun by then is late, if it was due a
 * minute before; a job that was tried again tells nothing, because only its latest attempt is known.
 */
export async function latenessOf(
  store: LatenessNeeds,
  { from, to, asOf }: { from: number; to: number; asOf: number },
): Promise<Lateness[]> {
  if (to <= from) return [];
  const slots = await store.slots({ from, to, states: ['ran', 'planned'] });
  const found: Lateness[] = [];
  for (const slot of slots.slice(-MOST_SLOTS)) {
    const waitedMs = await waited(store, slot, asOf);
    if (waitedMs !== undefined) found.push({ agent: slot.agent, isLate: waitedMs > LATE_AFTER_MS });
  }
  return found;
}

async function waited(store: LatenessNeeds, { due, job: id }: Slot, asOf: number): Promise<number | undefined> {
  if (id === null) return asOf - due;
  const job = await store.get(id);
  if (!job || job.attempt > 1 || job.state === 'cancelled') return undefined;
  return Math.min(job.startedAt ?? asOf, asOf) - due;
}
