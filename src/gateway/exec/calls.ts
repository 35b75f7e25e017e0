import type { ExecAttempt } from './ports.ts';

/**
 * How far a command has come, as the host sees it: it waits for one of its agent's places; its path is looked up; it is with
 * the broker; its caller has the answer, and the broker has not said yet that nothing of it is left.
 */
export type CallState = 'queued' | 'preparing' | 'running' | 'answered';

export interface ExecCallFacts extends ExecAttempt {
  agent: string;
  call: number;
  mark: string;
  state: CallState;
}

/** Whether a call holds one of the places that its agent has. */
export function holdsPlace({ state }: Pick<ExecCallFacts, 'state'>): boolean {
  return state === 'preparing' || state === 'running';
}

/** The calls that may go on now, oldest first: as many of an agent as it has places. */
export function nextCalls<Call extends ExecCallFacts>(calls: Iterable<Call>, agent: string, atATime: number): Call[] {
  let free = atATime;
  const queued: Call[] = [];
  for (const call of calls) {
    if (call.agent !== agent) continue;
    if (holdsPlace(call)) free -= 1;
    else if (call.state === 'queued') queued.push(call);
  }
  return queued.slice(0, Math.max(0, free));
}
