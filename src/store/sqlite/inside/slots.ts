import type { DatabaseSync } from 'node:sqlite';
import { BOUNDS } from '../../../kernel/bounds.ts';
import type { DueSlot, Slot, SlotDecision, SlotJob, SlotState } from '../../../schedule/ports.ts';
import { slotEvent } from '../../../schedule/slot-events.ts';
import { mayEnd } from '../../../schedule/slot-state.ts';
import { jobIdOf } from '../ids.ts';
import { packJob } from '../packing.ts';
import type { Plain, StoreOps } from '../wire.ts';
import type { eventWrites } from './events.ts';
import { mustBeInstants } from './faults.ts';
import type { JobAdder } from './jobs/add.ts';

const MOST_SLOTS = 10_000;
const COLUMNS = 'agent, due, state, reason, job, planned_at, decided_at';

export function slotWrites(
  db: DatabaseSync,
  jobs: JobAdder,
  events: ReturnType<typeof eventWrites>,
): Pick<StoreOps, 'plan' | 'decide' | 'cancelPlanned'> {
  // A slot that was cancelled before its time is planned again: its agent or schedule came back.
  const plan = db.prepare(`
    INSERT INTO slot (agent, due, state, planned_at) VALUES (?1, ?2, 'planned', ?3)
    ON CONFLICT (agent, due) DO UPDATE SET state = 'planned', reason = NULL, planned_at = ?3, decided_at = NULL
    WHERE slot.state = 'cancelled' AND slot.due > ?3`);
  const stateOf = db.prepare('SELECT state FROM slot WHERE agent = ? AND due = ?');
  const decide = db.prepare(`
    INSERT INTO slot (agent, due, state, reason, job, planned_at, decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
    ON CONFLICT (agent, due) DO UPDATE SET state = ?3, reason = ?4, job = ?5, decided_at = ?6`);
  const former = db.prepare(`
    SELECT state, reason FROM slot WHERE agent = ? AND due < ? AND state NOT IN ('planned', 'cancelled')
    ORDER BY due DESC LIMIT 1`);
  const cancel = db.prepare(
    `UPDATE slot SET state = 'cancelled', reason = ?, decided_at = ? WHERE agent = ? AND due > ? AND state = 'planned'`,
  );

  return {
    plan(now, slots) {
      for (const { agent, due } of slots) plan.run(agent, due, now);
    },
    decide: (now, decisions) => decisions.map((decision) => decideOne(decision, now)),
    cancelPlanned: (now, agent, after, reason) => Number(cancel.run(reason, now, agent, after).changes),
  };

  function decideOne(decision: SlotDecision, now: number): string | null | undefined {
    const { agent, due, state, reason, job } = decision;
    const before = (stateOf.get(agent, due) as { state: SlotState } | undefined)?.state ?? 'unwritten';
    if (!mayEnd(before, state)) return undefined;
    let row: number | null = null;
    if (job) {
      const packed: Plain[] = [];
      packJob(packed, { ...job, slot: job.slot ?? due }, now);
      row = Math.abs(jobs.add(packed, now).rows[0]!);
    }
    decide.run(agent, due, state, reason ?? null, row, now);
    if (state === 'skipped' || state === 'missed') recordWithout(decision, now);
    return row === null ? null : jobIdOf(row);
  }

  /** The event of a slot that got no job. */
  function recordWithout(decision: SlotDecision, now: number): void {
    const before = former.get(decision.agent, decision.due) as Pick<Slot, 'state' | 'reason'> | undefined;
    const event = slotEvent(decision, before, now);
    if (event) events.append([event]);
  }
}

export function slotReads(
  db: DatabaseSync,
): Pick<StoreOps, 'dueSlots' | 'slotJobs' | 'newestSlots' | 'slots' | 'nextSlots'> {
  const due = db.prepare(
    `SELECT ${COLUMNS} FROM slot INDEXED BY slot_planned WHERE state = 'planned' AND due <= ? ORDER BY due, agent LIMIT ?`,
  );
  const jobs = db.prepare(`
    SELECT id, slot FROM job INDEXED BY job_unfinished_slot
    WHERE agent = ? AND slot IS NOT NULL AND state IN ('queued', 'running', 'retrying')
    ORDER BY slot DESC LIMIT ${BOUNDS.queuedSlots.most}`);
  // Leaps from agent to agent: the table keeps weeks of slots.
  const newest = db.prepare(`
    WITH RECURSIVE known (agent) AS (
      SELECT min(agent) FROM slot
      UNION ALL
      SELECT (SELECT min(agent) FROM slot WHERE agent > known.agent) FROM known WHERE known.agent IS NOT NULL
    )
    SELECT agent, (
      SELECT due FROM slot WHERE slot.agent = known.agent AND state <> 'cancelled' ORDER BY due DESC LIMIT 1
    ) AS due
    FROM known WHERE agent IS NOT NULL AND due IS NOT NULL`);
  const next = db.prepare(
    `SELECT agent, min(due) AS due FROM slot INDEXED BY slot_planned WHERE state = 'planned' GROUP BY agent ORDER BY due, agent`,
  );
  const ofAgent = db.prepare(
    `SELECT ${COLUMNS} FROM slot WHERE agent = ? AND due >= ? AND due < ? AND state IN (SELECT value FROM json_each(?))
     ORDER BY due LIMIT ${MOST_SLOTS}`,
  );
  const ofAll = db.prepare(
    `SELECT ${COLUMNS} FROM slot INDEXED BY slot_due WHERE due >= ? AND due < ? AND state IN (SELECT value FROM json_each(?))
     ORDER BY due, agent LIMIT ${MOST_SLOTS}`,
  );

  return {
    dueSlots(by, limit) {
      const rows = due.all(by, limit) as unknown as SlotRow[];
      const unfinished = new Map<string, SlotJob[]>();
      // The rows of an agent share one list, which travels once.
      for (const { agent } of rows) if (!unfinished.has(agent)) unfinished.set(agent, unfinishedOf(agent));
      return rows.map((row): DueSlot => ({ ...slotOf(row), unfinished: unfinished.get(row.agent)! }));
    },
    slotJobs: (agents) => agents.map((agent) => ({ agent, unfinished: unfinishedOf(agent) })),
    newestSlots: () => (newest.all() as unknown as DueRow[]).map(dueOf),
    nextSlots: () => (next.all() as unknown as DueRow[]).map(dueOf),
    slots({ agent, from, to, states }) {
      const wanted = JSON.stringify(states ?? ALL_STATES);
      const rows = agent === undefined ? ofAll.all(from, to, wanted) : ofAgent.all(agent, from, to, wanted);
      return (rows as unknown as SlotRow[]).map(slotOf);
    },
  };

  function unfinishedOf(agent: string): SlotJob[] {
    return (jobs.all(agent) as unknown as { id: number; slot: number }[]).map(({ id, slot }) => {
      mustBeInstants(slot);
      return { id: jobIdOf(id), slot };
    });
  }
}

const ALL_STATES: readonly SlotState[] = ['planned', 'ran', 'skipped', 'missed', 'caught-up', 'cancelled'];

interface DueRow {
  agent: string;
  due: number;
}

function dueOf(row: DueRow): DueRow {
  mustBeInstants(row.due);
  return { ...row };
}

interface SlotRow {
  agent: string;
  due: number;
  state: SlotState;
  reason: string | null;
  job: number | null;
  planned_at: number;
  decided_at: number | null;
}

function slotOf(row: SlotRow): Slot {
  mustBeInstants(row.due, row.planned_at, row.decided_at);
  return {
    agent: row.agent,
    due: row.due,
    state: row.state,
    reason: row.reason,
    job: row.job === null ? null : jobIdOf(row.job),
    plannedAt: row.planned_at,
    decidedAt: row.decided_at,
  };
}
