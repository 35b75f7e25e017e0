import type { Hold } from '../jobs/placement.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import { subject } from '../kernel/subjects.ts';
import { type Asking, decideSlot, decideSlots, MOST_AT_ONCE } from './decide.ts';
import { GONE, laterDue, type ScheduleCursor, type SlotRef, type Unplanned } from './plan.ts';
import type { SlotDecision, SlotJob, SlotStore } from './ports.ts';

/** An agent whose schedule is kept. */
export interface Scheduled extends ScheduleCursor {
  asking: Asking['agent'];
}

/** A due slot on its way to its end. */
interface DueRow extends SlotRef {
  /** The agent's unfinished jobs of slots: the same for each of its rows. */
  unfinished: readonly SlotJob[];
  /** Text that is added to the reason of its end. */
  note?: string;
}

export interface SettleNeeds {
  log: Log;
  slots: Pick<SlotStore, 'decide'>;
  cancelJob(id: string, why: PlainFault): Promise<void>;
  /** The hold on the agent now, or at `due` (epoch ms): the slot is skipped with its reason. Default: nothing ever. */
  holdOf?(agent: string, due: number): Hold | null;
  /** Whether the slot may ask for the one job that a hold allows. Default: no. */
  letThrough?(agent: string, due: number): boolean;
  /** The priority of jobs for slots of an absence; undefined: as any other. Default: it is always. */
  catchUpPriority?(agent: string): number | undefined;
  /** When this host began, epoch ms. Default: it was always there. */
  startedAt?: number;
}

const DECISIONS_AT_ONCE = 1_000;

/**
 * Ends due slots, whatever planned them: looks each one over, with the unfinished jobs that came with it, and writes all ends
 * in few store calls. `ended`: how many were ended by this call, not by another host before. `failed`: the agents whose slots
 * stay as they are.
 */
export async function settleSlots(
  needs: SettleNeeds,
  scheduledAgents: ReadonlyMap<string, Scheduled>,
  rows: readonly DueRow[],
  now: number,
): Promise<{ ended: number; failed: Unplanned[] }> {
  const byAgent = [...Map.groupBy(rows, ({ agent }) => agent)];
  const decided = await Promise.allSettled(
    byAgent.map(async ([agent, ofAgent]) => {
      const scheduled = scheduledAgents.get(agent);
      return scheduled ? settleAgent(needs, scheduled, ofAgent, now) : ofAgent.map(ownerless);
    }),
  );
  const failed = failedDecisions(needs.log, byAgent, decided);
  const decisions = decided
    .flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    .sort((a, b) => a.due - b.due);
  let ended = 0;
  for (let i = 0; i < decisions.length; i += DECISIONS_AT_ONCE) {
    const batch = decisions.slice(i, i + DECISIONS_AT_ONCE);
    const jobs = await needs.slots.decide(batch);
    ended += jobs.filter((job) => job !== undefined).length;
  }
  return { ended, failed };
}

/**
 * The slots of an agent that cannot be settled stay planned, and are late soon; when the slots of all agents fail, the call
 * rejects.
 */
function failedDecisions(
  log: Log,
  byAgent: [string, DueRow[]][],
  decided: readonly PromiseSettledResult<unknown>[],
): Unplanned[] {
  const failed = decided.flatMap((one, i) =>
    one.status === 'rejected' ? [{ agent: byAgent[i]![0], error: one.reason as unknown }] : [],
  );
  if (failed.length > 0 && failed.length === decided.length) throw failed[0]!.error;
  for (const { agent, error } of failed)
    log.error(`the slots of ${agent} could not be settled`, { agent, fault: toPlainFault(error) });
  return failed;
}

async function settleAgent(
  needs: SettleNeeds,
  scheduled: Scheduled,
  rows: DueRow[],
  now: number,
): Promise<SlotDecision[]> {
  const asking: Asking = { agent: scheduled.asking, catchUpPriority: needs.catchUpPriority?.(scheduled.agent) };
  const holds = rows.map(({ due }) => holdingUp(needs, scheduled.agent, due));
  const builds = rows.map(({ due }, i) =>
    decideSlot(asking, { due, later: laterDue(scheduled, due, now, MOST_AT_ONCE), heldUp: holds[i]?.reason }, now),
  );
  const { decisions, cancel } = decideSlots(asking, builds, rows[0]!.unfinished, now);
  await Promise.all(cancel.map((id) => cancelJob(needs, id)));
  return decisions.map((decision, i) => {
    const { note } = rows[i]!;
    const hold = holds[i];
    const cameOf = cameOfSlot(needs, { agent: scheduled.agent, hold, decision });
    const reason = note ? { reason: [decision.reason, note].filter(Boolean).join('; ') } : {};
    return { ...decision, ...reason, ...cameOf };
  });
}

/** A slot that a hold skips came of it; one that was missed before this host began, of the end of the host before, if there was one. */
function cameOfSlot(
  { startedAt = Number.NEGATIVE_INFINITY }: SettleNeeds,
  { agent, hold, decision }: { agent: string; hold: Hold | undefined; decision: SlotDecision },
): { cameOf?: string[] } {
  if (hold) return { cameOf: subjectsOf(agent, hold) };
  return decision.state === 'missed' && decision.due < startedAt ? { cameOf: [subject.host()] } : {};
}

/** The pause or the quarantine; no event is about the other holds. */
function subjectsOf(agent: string, { by }: Hold): string[] {
  if (by === 'person') return [subject.pause(agent)];
  return by === 'quarantine' ? [subject.quarantine(agent)] : [];
}

/** The hold by which nothing may start for the slot; undefined when a hold lets it through, or there is none. */
function holdingUp({ holdOf, letThrough }: SettleNeeds, agent: string, due: number): Hold | undefined {
  const hold = holdOf?.(agent, due) ?? null;
  // Under pressure a job waits; a slot that is skipped would never be done.
  if (hold === null || hold.by === 'pressure' || hold.allowance === Number.POSITIVE_INFINITY) return undefined;
  return hold.allowance > 0 && letThrough?.(agent, due) ? undefined : hold;
}

/** A job that cannot be cancelled must not hold up the slots of everybody. */
async function cancelJob({ cancelJob, log }: SettleNeeds, id: string): Promise<void> {
  const why = { code: 'REPLACED', message: 'the next slot was due (overlap: replace)' };
  await cancelJob(id, why).catch((error) => log.error(`${id} could not be cancelled`, { fault: toPlainFault(error) }));
}

function ownerless({ agent, due }: DueRow): SlotDecision {
  return { agent, due, state: 'cancelled', reason: GONE };
}
