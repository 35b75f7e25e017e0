import type { Catalog } from '../../catalog/ports.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import type { Time } from '../../kernel/time.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import type { HoldUps } from './hold-ups.ts';
import type { IncidentReads } from './incidents.ts';

/** The needs of operations that read the store, whether the host runs or not. */
export interface LookupNeeds {
  time: Time;
  store: Pick<JobRecords, 'list' | 'get' | 'deadByCause'> & Pick<SlotStore, 'slots'> & IncidentReads;
  catalog: Pick<Catalog, 'listings' | 'agents'>;
  /** Why a job does not start; undefined while the host is down: nobody knows. */
  holdUpOf?: HoldUps;
}
