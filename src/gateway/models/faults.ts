import type { PlainFault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import type { SkippedRung } from './ports.ts';

/** The code of the fault of a call that no rung has answered. */
const MODELS_DOWN = 'MODELS_DOWN';

/** The caller of the small calls that prove a rung: no worker of an agent. */
export const CHECK_WORKER = 'check';
export const CHECK_JOB = 'check';

/** A rung that says no time is asked again after this long, in ms. */
const AGAIN_MS = 30_000;

/** When a call that no rung has answered is worth another try, in epoch ms. */
function retryAtOf(rungs: readonly SkippedRung[], now: number): number {
  const times = rungs.map(({ retryAt }) => Math.max(retryAt ?? now + AGAIN_MS, now + 1_000));
  return times.length === 0 ? now + AGAIN_MS : Math.min(...times);
}

/** No rung of the chain gives an answer now. `rungs`: each with the reason. */
export function modelsDown(rungs: readonly SkippedRung[], now: number): PlainFault {
  const why = rungs.map((rung) => `${rung.name}: ${rung.why}`).join('; ');
  const retryAt = isoOf(retryAtOf(rungs, now));
  return {
    code: MODELS_DOWN,
    message: why === '' ? 'no model can be asked: the chain has no rung for this call' : `no model answers (${why})`,
    next: 'nothing: a job that fails of it waits and loses no attempt; daruma models shows each rung',
    data: { retryAt, rungs: rungs.map(({ name, why: reason }) => ({ name, why: reason })) },
  };
}

/** Every rung that answered gave an answer of no use. */
export function answerUnusable(rungs: readonly SkippedRung[]): PlainFault {
  return {
    code: 'ANSWER_UNUSABLE',
    message: `no rung gave an answer of use (${rungs.map(({ name, why }) => `${name}: ${why}`).join('; ')})`,
    next: 'give the answer more tokens, or ask for less at once',
    data: { rungs: rungs.map(({ name, why }) => ({ name, why })) },
  };
}
