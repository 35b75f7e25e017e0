import { isoOf } from '../kernel/instant.ts';
import type { SlotDecision, SlotState } from './ports.ts';

/** The end of the agent's slot before, among those that are decided and not cancelled. */
interface FormerSlot {
  state: SlotState;
  reason: string | null;
}

/**
 * The event of a slot that was missed or that a hold skipped, as every store writes it with the decision; undefined for any other slot: a
 * job that is unfinished skips slots as `overlap` says. Slots in a row that a hold skips for one reason have one event, as missed slots in
 * a row have.
 */
export function slotEvent(
  { agent, due, state, reason = 'no reason is known', cameOf }: SlotDecision,
  before: FormerSlot | undefined,
  now: number,
) {
  const isHeld = state === 'skipped' && cameOf !== undefined;
  if (!isHeld && state !== 'missed') return undefined;
  if (before?.state === state && (!isHeld || before.reason === reason)) return undefined;
  return {
    at: now,
    kind: `slot.${state}`,
    agent,
    message: `the slot of ${agent} at ${isoOf(due)} was ${state}: ${reason}`,
    data: { due: isoOf(due), reason },
    who: 'schedule',
    ...(cameOf ? { cameOf } : {}),
  };
}
