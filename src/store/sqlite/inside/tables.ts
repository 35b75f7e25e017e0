import type { DatabaseSync } from 'node:sqlite';
import type { ReadPorts, Sync } from '../../ports.ts';
import { packAdded } from '../packing.ts';
import type { StoreOps } from '../wire.ts';
import { aggregateReads, aggregateWrites } from './aggregates.ts';
import { alertReads, alertWrites } from './alerts.ts';
import { asideReads, asideWrites } from './aside/set-aside.ts';
import { batchReads, batchWrites } from './batches.ts';
import { dayRowReads, dayRowWrites } from './day-rows.ts';
import { eventJobs } from './deliver.ts';
import { eventReads, eventWrites } from './events.ts';
import { figures, hourTotals } from './figures.ts';
import { findingReads, findingWrites } from './findings.ts';
import { heartbeatReads, heartbeatWrites } from './heartbeats.ts';
import { incidentReads, incidentWrites } from './incidents.ts';
import { jobAdder } from './jobs/add.ts';
import { jobChanges } from './jobs/change.ts';
import { jobClaims } from './jobs/claim.ts';
import { jobList, jobOverview } from './jobs/list.ts';
import { jobReads } from './jobs/read.ts';
import { jobRuns } from './jobs/runs.ts';
import { jobSettlements } from './jobs/settle.ts';
import { metricReads } from './metric-reads.ts';
import { metricWrites } from './metric-writes.ts';
import { type AgentVersion, minuteCounts } from './minutes.ts';
import { effects, pauseReads, pauseWrites, stateReads, stateWrites } from './records.ts';
import { slotReads, slotWrites } from './slots.ts';
import { upkeepReads, upkeepWrites } from './upkeep.ts';

/** Every call of the store on one open file. */
export interface Tables {
  ops: StoreOps;
  /** Before a commit: writes what was gathered for it. */
  beforeCommit(): void;
  /** After a rollback: forgets what was gathered and remembered. */
  afterRollback(): void;
}

export function openTables(db: DatabaseSync, file: string): Tables {
  const totals = hourTotals(db);
  const minutes = minuteCounts(db);
  const adder = jobAdder(db);
  const events = eventWrites(db);
  /** The agents and versions of running jobs, so that an end need not look them up. */
  const versions = new Map<number, AgentVersion>();
  const changes = jobChanges(db, versions);
  return {
    ops: {
      add: (jobs, now) => packAdded(adder.add(jobs, now)),
      ...jobClaims(db, versions, minutes),
      ...jobSettlements(db, { totals, minutes, events }, versions),
      ...changes,
      ...batchWrites(db, changes),
      ...effects(db),
      ...stateWrites(db),
      ...pauseWrites(db, events),
      ...pauseReads(db),
      ...slotWrites(db, adder, events),
      ...incidentWrites(db, events),
      ...events,
      ...eventJobs(db, adder),
      ...heartbeatWrites(db),
      ...findingWrites(db),
      ...alertWrites(db),
      ...dayRowWrites(db),
      ...aggregateWrites(db, minutes),
      ...metricWrites(db, minutes),
      ...upkeepWrites(db),
      ...asideWrites(db),
      ...openReads(db, file),
    },
    beforeCommit() {
      totals.flush();
      minutes.flush();
    },
    afterRollback() {
      totals.clear();
      minutes.clear();
      adder.clear();
      versions.clear();
    },
  };
}

/** The calls that change nothing; they work on a connection that may only read. */
export function openReads(db: DatabaseSync, file: string) {
  return {
    ...jobReads(db),
    ...jobList(db),
    ...jobOverview(db),
    ...jobRuns(db),
    ...batchReads(db),
    ...slotReads(db),
    ...incidentReads(db),
    ...eventReads(db),
    ...heartbeatReads(db),
    ...findingReads(db),
    ...alertReads(db),
    ...dayRowReads(db),
    ...aggregateReads(db),
    ...metricReads(db),
    ...figures(db),
    ...upkeepReads(db, file),
    ...asideReads(db),
    ...stateReads(db),
    ...pauseReads(db),
  } satisfies Sync<ReadPorts> & Partial<StoreOps>;
}
