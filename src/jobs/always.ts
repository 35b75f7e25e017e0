import { pauseAfter } from '../kernel/backoff.ts';
import { mayHelp, type PlainFault } from '../kernel/fault.ts';
import type { AgentLimits } from './agent.ts';
import type { NewJob, Outcome } from './model.ts';
import type { AttemptEnd } from './settle.ts';

/** The key of the one job of an agent that runs always: it is never done and never dead. */
const ALWAYS_KEY = 'daruma:always';
/** A run of this length was steady: it proves the agent well, and the next pause is the first one again. */
export const STEADY_MS = 10_000;

/** The job of an agent that runs always. */
export function alwaysJob(agent: string): NewJob {
  return { agent, trigger: 'always', input: null, key: ALWAYS_KEY, attempts: 1 };
}

interface RunFacts {
  outcome: Outcome;
  backoff: AgentLimits['backoff'];
  /** Runs in a row before this one that were not steady. */
  shortRuns: number;
  /** Until when (epoch ms) something holds the run up that it can do nothing about; undefined: nothing does. */
  heldUntil?: number | undefined;
  /** In [0, 1). */
  chance: number;
}

interface StartAgain {
  end: Extract<AttemptEnd, { is: 'failed' }>;
  /** `failed`: it counts against the restart budget. */
  run: 'failed' | 'ended';
  shortRuns: number;
}

/**
 * The meaning of the end of a run: the job waits for its next start, which costs it no attempt, whatever the end was. The pause is
 * that of the backoff, counted by runs in a row that were not steady; a plugin's own word (RetryLater) and a server that is
 * down decide for themselves; what no other run can help waits the longest pause.
 */
export function startAgain(facts: RunFacts): StartAgain {
  const { outcome, backoff, shortRuns, heldUntil, chance } = facts;
  const isSteady = outcome.finishedAt - outcome.startedAt >= STEADY_MS;
  const inARow = isSteady ? 0 : shortRuns + 1;
  const again = (fault: PlainFault, retry: number) => ({ is: 'failed' as const, fault, retry, isFree: true });
  const pause = pauseAfter(Math.max(1, inARow), backoff, chance);
  if (outcome.is === 'done') {
    const returned = { code: 'RUN_RETURNED', message: 'run returned; it is started again' };
    return { end: again(returned, pause), run: 'ended', shortRuns: inARow };
  }
  const { fault, retry } = outcome;
  if (heldUntil !== undefined)
    return { end: again(fault, Math.max(0, heldUntil - outcome.finishedAt)), run: 'ended', shortRuns };
  if (typeof retry === 'number') return { end: again(fault, retry), run: 'ended', shortRuns };
  const isHopeless = retry === false || !mayHelp(fault);
  return { end: again(fault, isHopeless ? backoff.longest : pause), run: 'failed', shortRuns: inARow };
}
