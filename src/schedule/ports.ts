import type { NewJob } from '../jobs/model.ts';

/**
 * planned → ran | skipped (reason) | missed → caught-up | cancelled (its agent, schedule or plugin went away before
 * its time). Every slot ends in exactly one of them.
 */
export type SlotState = 'planned' | 'ran' | 'skipped' | 'missed' | 'caught-up' | 'cancelled';

export interface Slot {
  agent: string;
  /** Epoch ms. With `agent` it names the slot. */
  due: number;
  state: SlotState;
  /** Why the slot is skipped, missed, caught up late or cancelled, in words; null otherwise. */
  reason: string | null;
  /** The job that it asked for. */
  job: string | null;
  /** When the row was written: before `due`, unless the host was down. */
  plannedAt: number;
  decidedAt: number | null;
}

/** An unfinished job that a slot asked for. */
export interface SlotJob {
  id: string;
  /** The due time of its slot, epoch ms. */
  slot: number;
}

/** A slot whose time has come. */
export interface DueSlot extends Slot {
  /** The agent's queued, running and retrying jobs of slots, the newest slot first, at most a thousand. */
  unfinished: readonly SlotJob[];
}

/** The store as schedule needs it. The store's own clock stamps slots. Every method resolves when its change is on disk, and not before. */
export interface SlotStore {
  /**
   * Writes planned slots; one that exists already is left as it is. Only one that was cancelled before its time (its
   * due is still to come) is planned again, as if it were new: the agent or its schedule came back.
   */
  plan(slots: { agent: string; due: number }[]): Promise<void>;
  /**
   * Planned slots with `due ≤ by`, a time that the asker names, oldest first, at most `limit`; each with what `overlap` has to
   * know of its agent, so that slots of many agents which are due together cost one call.
   */
  dueSlots(by: number, limit: number): Promise<DueSlot[]>;
  /** The queued, running and retrying jobs of slots, of each of these agents: the newest slot first, at most a thousand. */
  slotJobs(agents: string[]): Promise<{ agent: string; unfinished: SlotJob[] }[]>;
  /**
   * Decides slots, each in one transaction with its job: a slot that is not `planned` any more (for `caught-up`: not
   * planned or missed) is left alone and gets no job. Returns, for each, the job's id, null when it has no job, or
   * undefined when it was left alone. A slot that has no row yet gets one. The event that `slotEvent` makes is written with it.
   */
  decide(decisions: SlotDecision[]): Promise<(string | null | undefined)[]>;
  /** Ends the agent's planned slots after `after` as cancelled; used when its schedule changed or went away. */
  cancelPlanned(agent: string, after: number, reason: string): Promise<number>;
  /** The newest slot of each agent that is not cancelled. */
  newestSlots(): Promise<{ agent: string; due: number }[]>;
  /** Slots with from ≤ due < to, oldest first, at most 10,000. */
  slots(filter: { agent?: string; from: number; to: number; states?: SlotState[] }): Promise<Slot[]>;
  /** The next planned slot of each agent. */
  nextSlots(): Promise<{ agent: string; due: number }[]>;
}

export interface SlotDecision {
  agent: string;
  due: number;
  state: Exclude<SlotState, 'planned'>;
  reason?: string;
  /** For `ran` and `caught-up`. */
  job?: NewJob;
  /** For the event of a slot that is skipped, the subjects of the hold that skips it; of one that is missed, the host that was not there. */
  cameOf?: string[];
}
