import type { Catalog } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { isoOf } from '../../kernel/instant.ts';
import { limitKeyOf, nextStartOfKey, roomOfKey } from '../../kernel/key-limit.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';

/** Jobs of the agent that are looked at, the newest. */
const LOOKED_AT = 1_000;

interface KeyWaitNeeds {
  time: Time;
  catalog: Pick<Catalog, 'agents'>;
  store: Pick<JobRecords, 'list'>;
}

/** Whether a job that is due waits for the limit of its key, and for how many of them; null: it does not. */
export function createKeyWaits({ time, catalog, store }: KeyWaitNeeds) {
  return async ({ agent, state, runAt, input }: Job): Promise<HoldUpView | null> => {
    const limit = catalog.agents().get(agent)?.keyLimit;
    const now = time.now();
    if (!limit || (state !== 'queued' && state !== 'retrying') || runAt > now) return null;
    const key = limitKeyOf(limit, input);
    const isOfKey = (job: Job) => limitKeyOf(limit, job.input) === key;
    const running = (await store.list({ agent, states: ['running'], limit: LOOKED_AT })).filter(isOfKey).length;
    const recent = (await store.list({ agent, limit: LOOKED_AT })).filter(isOfKey);
    const starts = recent.flatMap(({ startedAt }) => startedAt ?? []).sort((a, b) => a - b);
    const use = { running, starts };
    if (roomOfKey(limit, use, now) > 0) return null;
    const { concurrency, rate } = limit;
    const named = limit.key === undefined ? '' : `: ${limit.key} ${key === '' ? 'without a value' : key}`;
    const until = nextStartOfKey(limit, use, now);
    const of =
      concurrency !== undefined && running >= concurrency
        ? `${running} of ${concurrency} at work`
        : `${rate!.starts} began within ${formatDuration(rate!.perMs)}`;
    return {
      is: 'limit',
      text: `it waits for its limit${named}, ${of}`,
      until: until === null ? null : isoOf(until),
      next: null,
    };
  };
}
