import type { PlainFault } from '../kernel/fault.ts';

/**
 * State of a worker, as the host sees it. `held` counts the attempts that it was given and that have not come back.
 *
 * starting → idle ⇄ busy → draining → stopping → gone, and gone at any time.
 */
export type WorkerState =
  | { is: 'starting'; since: number; held: number }
  | { is: 'idle'; since: number }
  | { is: 'busy'; held: number }
  /** Takes no more; ends when nothing is held. `ready`: it has said so. */
  | { is: 'draining'; held: number }
  /** Was told to close, and holds nothing. */
  | { is: 'stopping' }
  | { is: 'gone'; because: PlainFault | null };

export type WorkerEvent =
  | { is: 'ready'; at: number }
  | { is: 'given'; count: number }
  /** Attempts that came back, in whichever way. */
  | { is: 'back'; count: number; at: number }
  | { is: 'drain' }
  | { is: 'ended'; because: PlainFault | null };

/** The next state of a worker. Events that come late, or twice, change nothing. */
export function stepWorker(state: WorkerState, event: WorkerEvent): WorkerState {
  if (state.is === 'gone') return state;
  switch (event.is) {
    case 'ready':
      if (state.is !== 'starting') return state;
      return busyOrIdle(state.held, event.at);
    case 'given':
      if (state.is === 'starting') return { ...state, held: state.held + event.count };
      if (state.is === 'idle') return { is: 'busy', held: event.count };
      if (state.is === 'busy') return { is: 'busy', held: state.held + event.count };
      return state;
    case 'back': {
      const left = Math.max(0, heldBy(state) - event.count);
      if (state.is === 'starting') return { ...state, held: left };
      if (state.is === 'busy') return busyOrIdle(left, event.at);
      if (state.is === 'draining') return drainingOrStopping(left);
      return state;
    }
    case 'drain':
      if (state.is === 'draining' || state.is === 'stopping') return state;
      return drainingOrStopping(heldBy(state));
    case 'ended':
      return { is: 'gone', because: event.because };
  }
}

/** How many attempts it has. */
export function heldBy(state: WorkerState): number {
  return 'held' in state ? state.held : 0;
}

/** Whether the worker may be given more. */
export function takesWork(state: WorkerState): boolean {
  return state.is === 'starting' || state.is === 'idle' || state.is === 'busy';
}

function busyOrIdle(held: number, at: number): WorkerState {
  return held > 0 ? { is: 'busy', held } : { is: 'idle', since: at };
}

function drainingOrStopping(held: number): WorkerState {
  return held > 0 ? { is: 'draining', held } : { is: 'stopping' };
}
