import type { SlotState } from './ports.ts';

/** A state in which a slot can end. */
type SlotEnd = Exclude<SlotState, 'planned'>;

/** The state of a slot, with what is true in it. A slot that asked for a job has that job; every other end has its reason. */
export type SlotLife = {
  /** Epoch ms. */
  due: number;
} & (
  | { is: 'unwritten' }
  | { is: 'planned' }
  | { is: 'ran'; job: string }
  | { is: 'caught-up'; job: string; reason: string }
  | { is: 'skipped' | 'missed' | 'cancelled'; reason: string }
);

/** Events of a slot: it is written ahead at `now`, or its end is decided. */
export type SlotEvent =
  | { is: 'planned'; now: number }
  | { is: 'ran'; job: string }
  | { is: 'caught-up'; job: string; reason: string }
  | { is: 'skipped' | 'missed' | 'cancelled'; reason: string };

/** The ends that a slot may take from each state. The only end that is not the last one: what was missed is caught up. */
const ENDS: Record<SlotLife['is'], readonly SlotEnd[]> = {
  unwritten: ['ran', 'skipped', 'missed', 'caught-up', 'cancelled'],
  planned: ['ran', 'skipped', 'missed', 'caught-up', 'cancelled'],
  missed: ['caught-up'],
  ran: [],
  skipped: [],
  'caught-up': [],
  cancelled: [],
};

/** Whether a slot in state `was` may end as `end`; every store asks this before it writes a decision down. */
export function mayEnd(was: SlotLife['is'], end: SlotEnd): boolean {
  return ENDS[was].includes(end);
}

/**
 * The next state of a slot. Refused, and nothing changes: a decision about a slot that has its end, and planning one that is
 * a row already; but one that was cancelled before its time is planned anew, because its agent or schedule came back.
 */
export function stepSlot(life: SlotLife, event: SlotEvent): SlotLife | 'refused' {
  const { due } = life;
  if (event.is !== 'planned') return mayEnd(life.is, event.is) ? { ...event, due } : 'refused';
  const cameBack = life.is === 'cancelled' && due > event.now;
  return life.is === 'unwritten' || cameBack ? { is: 'planned', due } : 'refused';
}
