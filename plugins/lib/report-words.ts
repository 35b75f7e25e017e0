import type { FleetAgent, FleetReport } from 'daruma';
import { activeAgents, isEmpty, isTroubled, jobsOf, totalsOf } from './figures.ts';
import { showBytes, showCount, showMany, showMoney, showMs, showShare } from './units.ts';

/** Twice as slow as usual is worth a look; so is a worker that came to nine tenths of its memory. */
const SLOW = 2;
const TIGHT = 0.9;

/** What a report answers first: whether somebody has to do something. */
export function verdictOf({ needs }: FleetReport): string {
  return needs.length === 0
    ? 'Nothing needs you.'
    : `${showMany(needs.length, 'thing')} ${needs.length === 1 ? 'needs' : 'need'} you.`;
}

/** The figures of the period in a sentence or two. */
export function figuresLine(report: FleetReport): string {
  const totals = totalsOf(report);
  if (isEmpty(totals)) {
    const began = report.host.startedAt >= report.to ? ', for Daruma was started later' : '';
    return `Nothing ran in this time${began}. The next report tells of what runs from now on.`;
  }
  const { jobs, dead, success, missed, kept } = totals;
  const ended = dead === 0 ? (jobs === 1 ? 'done' : 'all done') : `${showShare(success)} done, ${showCount(dead)} dead`;
  const fate = jobs === 0 ? 'No job ended' : `${showMany(jobs, 'job')}, ${ended}`;
  const due =
    kept + missed === 0 ? '' : missed === 0 ? '; every slot was kept' : `; ${showMany(missed, 'slot')} missed`;
  const healed = report.healed.length === 0 ? '' : `; ${showMany(report.healed.length, 'incident')} healed by itself`;
  return `${fate}${beforeWords(report)}${due}${healed}.`;
}

function beforeWords({ agents }: FleetReport): string {
  const before = agents.reduce((sum, one) => sum + (one.before ? one.before.done + one.before.dead : 0), 0);
  return before === 0 ? '' : ` (${showCount(before)} in the period before)`;
}

/** Agents with something to tell of, those that need somebody first, then those that lost jobs, got slow or are short of memory. */
export function agentsByNeed(report: FleetReport): FleetAgent[] {
  const named = new Set(report.needs.map(({ agent }) => agent));
  const needOf = (agent: FleetAgent) =>
    (named.has(agent.name) || isTroubled(agent) ? 8 : 0) +
    (agent.dead + agent.slotsMissed > 0 ? 4 : 0) +
    (isSlow(agent) ? 2 : 0) +
    (isTight(agent) ? 1 : 0);
  return activeAgents(report).sort(
    (a, b) => needOf(b) - needOf(a) || jobsOf(b) - jobsOf(a) || (a.name < b.name ? -1 : 1),
  );
}

export const isSlow = ({ p95Ms, usualP95Ms }: FleetAgent): boolean =>
  p95Ms !== null && usualP95Ms !== null && p95Ms > SLOW * usualP95Ms;

export const isTight = ({ memoryPeakBytes, memoryLimitBytes }: FleetAgent): boolean =>
  memoryPeakBytes !== null && memoryLimitBytes !== null && memoryPeakBytes > TIGHT * memoryLimitBytes;

/** `820 ms, usual 310 ms`. */
export function speedWords({ p95Ms, usualP95Ms }: FleetAgent): string {
  return usualP95Ms === null || p95Ms === null ? showMs(p95Ms) : `${showMs(p95Ms)}, usual ${showMs(usualP95Ms)}`;
}

/** `44 of 128 MB`. */
export function memoryWords({ memoryPeakBytes, memoryLimitBytes }: FleetAgent): string {
  if (memoryPeakBytes === null) return '–';
  return memoryLimitBytes === null
    ? showBytes(memoryPeakBytes)
    : `${showBytes(memoryPeakBytes)} of ${showBytes(memoryLimitBytes)}`;
}

/** `131, 9 missed`. */
export function slotWords({ slotsKept, slotsMissed }: FleetAgent): string {
  return slotsMissed === 0 ? showCount(slotsKept) : `${showCount(slotsKept)}, ${showCount(slotsMissed)} missed`;
}

/** `120 calls, 90,000 tokens, $0.42` */
export function spendWords({ calls, tokens, money }: { calls: number; tokens: number; money: number }): string {
  return `${showMany(calls, 'call')}, ${showMany(tokens, 'token')}, ${showMoney(money)}`;
}

export const PROOF_WORDS = {
  backup: 'Backup',
  restore: 'Restored and started',
  copy: 'Restored from elsewhere',
  faults: 'Faults that heal',
  chain: 'Chain of models',
  diagnosis: 'Diagnosis',
} as const;
