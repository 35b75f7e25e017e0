import { pauseAfter } from '../kernel/backoff.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { EXIT_SIGNALLED } from '../kernel/pulse.ts';

/** The end of a host. */
export interface HostExit {
  code: number | null;
  signal: string | null;
  /** The time for which the host worked since it said that it is ready, in ms; undefined when it never said so. */
  workedMs: number | undefined;
  /** The host itself said why it cannot start. */
  refused: PlainFault | undefined;
  /** The host said that its folder or store is gone: a new one would make an empty store, or work in another folder. */
  final?: PlainFault | undefined;
  /** The guardian was asked to end, or its host by `daruma stop`: also one that did not end in time and was killed. */
  asked: boolean;
}

/** Facts that the guardian remembers from host to host. */
export interface RestartHistory {
  everReady: boolean;
  /** Hosts in a row that did not work for long. */
  short: number;
  /** Process ids of its hosts. */
  pids: readonly number[];
}

type Next = { do: 'end'; code: number } | { do: 'restart'; afterMs: number; history: RestartHistory };

export const NO_HISTORY: RestartHistory = { everReady: false, short: 0, pids: [] };

/** The pause before the second host, in ms, and the longest one. */
const RESTART_BACKOFF = { first: 200, longest: 30_000 };
/** After a host that worked this long the pauses begin anew. */
export const GOOD_RUN_MS = 60_000;

/** Decides what comes after the end of a host. `signals` gives numbers to names; `chance` is in [0, 1). */
export function afterEnd(
  before: RestartHistory,
  ended: HostExit,
  chance: number,
  signals: Readonly<Record<string, number>>,
): Next {
  const code = ended.signal === null ? (ended.code ?? 1) : 128 + (signals[ended.signal] ?? 0);
  // A host that was too young to stop in order has stopped, too.
  if (ended.asked) {
    const isInOrder = ended.signal === 'SIGTERM' || ended.signal === 'SIGINT' || code === EXIT_SIGNALLED;
    return { do: 'end', code: isInOrder ? 0 : code };
  }
  // A host ends with 0 only when `daruma stop` asks it to. A signal that did not come from its guardian is no wish to end.
  if (ended.code === 0) return { do: 'end', code: 0 };
  if (ended.final) return { do: 'end', code };
  // A person is there and reads why: to try again and again would only hide it. But a host that has worked goes on
  // being tried: its disk will not be full for ever.
  if (ended.refused && (!before.everReady || isTaken(ended.refused, before.pids))) return { do: 'end', code };
  const worked = ended.workedMs !== undefined;
  const short = (ended.workedMs ?? 0) >= GOOD_RUN_MS ? 1 : before.short + 1;
  return {
    do: 'restart',
    afterMs: pauseAfter(short, RESTART_BACKOFF, chance),
    history: { ...before, everReady: before.everReady || worked, short },
  };
}

/** Another guardian's host, or one without a guardian, runs on the folder: two must not fight for it. */
function isTaken({ code, data }: PlainFault, own: readonly number[]): boolean {
  return code === 'HOST_RUNNING' && typeof data?.pid === 'number' && !own.includes(data.pid);
}
