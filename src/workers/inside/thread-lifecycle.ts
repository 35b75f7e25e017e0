import type { Worker } from 'node:worker_threads';
import { type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { processesBelow, readStat, threadIdOf } from '../../kernel/proc.ts';
import type { Time } from '../../kernel/time.ts';
import { workerFaults } from '../faults.ts';
import type { CellFindings, Culprit, FromCell, Running, Thrown, WorkerSpec } from '../wire.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { StackMap } from './stack-map.ts';

/** A worker that was told to close gets this long before it is terminated. */
const CLOSE_MS = 1_000;
const CHILDREN_GONE_MS = 100;
const TERMINATE_MS = 2_000;
const LOOK_EVERY_MS = 10;

interface ThreadLifecycleNeeds {
  time: Time;
  /** The thread's name. */
  name: string;
  diagnostics: Diagnostics;
  stacks: StackMap;
  say(message: FromCell): void;
  /** The jobs in progress. */
  running(): Running[];
  /** Orders the thread to close. */
  sendClose(): void;
  /** The worker begins its jobs. */
  begin(): void;
  /** Jobs that have not begun come back. */
  revoke(): void;
  /** Ends all measuring and watching of the worker. */
  stop(): void;
  /** Handles the messages that wait in the port of a thread that has ended. */
  readPort(): void;
  /** Hands on the last ends and lines: all that the thread has said is sent before the news of its end. */
  flush(): void;
  /** Called once, when the thread has ended or cannot be ended. */
  over(): void;
}

type State =
  | { is: 'starting' | 'ready' | 'closing' | 'over' }
  | { is: 'killing'; why: PlainFault; culprits: Culprit[]; found: CellFindings };

/** How a worker may end, as it becomes known from several sides and in any order. */
interface EndCauses {
  /** The cause that counts. */
  fault?: PlainFault;
  /** Node itself calls `exit` for an error that nobody caught, and this may be heard before the error is. */
  exitCall?: PlainFault;
  /** The error that the thread's own listener heard, with all that Node leaves out. */
  crash?: PlainFault;
  /** The job whose code threw that error or called `exit`, where that is known. */
  culprit?: number | null;
}

/** A worker thread from its start to its end. The host hears exactly once how it ended: `gone` or `unstoppable`. */
interface ThreadLifecycle {
  ready(): void;
  /** Whether the thread is loaded and has not begun to be killed. */
  isUp(): boolean;
  /** Whether the thread is being killed or has ended: it takes no jobs. */
  isEnding(): boolean;
  close(): void;
  /**
   * Looks at the thread where that helps, and ends it; `culprits`: the jobs that it ends of, as far as they are known. Does
   * nothing when the thread is ending.
   */
  kill(why: PlainFault, culprits?: Culprit[]): void;
  /** The thread said that it cannot serve; kills it. */
  unfit(fault: PlainFault): void;
  /** The thread said, before it ended, what it ends of. */
  crashed(fault: PlainFault, seq: number | null): void;
  exits(fault: PlainFault, seq: number | null): void;
}

export function createThreadLifecycle(
  id: number,
  worker: Worker,
  spec: WorkerSpec,
  needs: ThreadLifecycleNeeds,
): ThreadLifecycle {
  const { time, diagnostics, say } = needs;
  const { limits } = spec;
  const causes: EndCauses = {};
  let state: State = { is: 'starting' };
  let wasReady = false;
  const stopBoot = time.after(limits.bootMs, () => kill(workerFaults.notReady(limits.bootMs)));
  worker.on('error', (error: unknown) => {
    causes.fault ??= nodeError(error);
  });
  worker.on('exit', exited);

  function kill(why: PlainFault, culprits: Culprit[] = []) {
    if (state.is === 'killing' || state.is === 'over') return;
    stop();
    // Jobs that a failed load never came to are the host's to share out.
    if (why.code !== 'BOOT_FAILED') needs.revoke();
    const found = diagnostics.known();
    state = { is: 'killing', why, culprits, found };
    void lookAndEnd(why, culprits, found);
  }

  async function lookAndEnd(why: PlainFault, culprits: Culprit[], found: CellFindings) {
    if (isWorthDiagnosing(why)) await diagnostics.complete(found, why);
    await end(why, culprits, found);
  }

  async function end(why: PlainFault, culprits: Culprit[], found: CellFindings | null) {
    await diagnostics.endSampling();
    const ended = await killThread(worker, needs.name, time);
    if (ended || state.is === 'over') return;
    over();
    say({ say: 'unstoppable', worker: id, because: why, running: needs.running(), culprits, found });
    needs.over();
  }

  function exited(code: number) {
    if (state.is === 'over') return;
    needs.readPort();
    const { fault, crash, exitCall, culprit } = causes;
    const killed = state.is === 'killing' ? state : undefined;
    const because = endOf(state.is, killed?.why ?? crash ?? fault ?? exitCall, wasReady, code);
    over();
    const found = killed?.found ?? (because ? diagnostics.known() : null);
    const thrower = because && culprit ? [{ seq: culprit, why: because }] : [];
    say({
      ...{ say: 'gone', worker: id, because, running: needs.running(), found },
      culprits: killed ? killed.culprits : thrower,
    });
    needs.over();
  }

  function over() {
    state = { is: 'over' };
    stop();
    needs.flush();
  }

  function stop() {
    stopBoot();
    needs.stop();
  }

  function nodeError(error: unknown): PlainFault {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return workerFaults.outOfMemory(limits.memoryBytes);
    }
    return needs.stacks.map(crashOf(toPlainFault(error)), spec);
  }

  return {
    ready() {
      if (wasReady) return;
      wasReady = true;
      stopBoot();
      if (state.is === 'starting') state = { is: 'ready' };
      say({ say: 'ready', worker: id });
      needs.begin();
    },
    isUp: () => state.is === 'ready' || state.is === 'closing',
    isEnding: () => state.is === 'killing' || state.is === 'over',
    close() {
      if (state.is !== 'ready' && state.is !== 'starting') return;
      state = { is: 'closing' };
      void diagnostics.endSampling();
      needs.sendClose();
      stopBoot();
      time.after(CLOSE_MS, () => {
        if (state.is === 'closing')
          void end(workerFaults.crashed('its thread did not end when it was told to'), [], null);
      });
    },
    kill,
    unfit(fault) {
      causes.fault ??= workerFaults.unfit(fault);
      kill(causes.fault);
    },
    crashed(fault, seq) {
      if (causes.crash) return;
      causes.crash = fault;
      causes.culprit = seq;
    },
    exits(fault, seq) {
      causes.exitCall ??= fault;
      causes.culprit ??= seq;
    },
  };
}

/** The fault that a worker ended of; null when it was told to end. */
function endOf(is: State['is'], fault: PlainFault | undefined, wasReady: boolean, code: number): PlainFault | null {
  if (is === 'closing' && !fault) return null;
  if (fault) return wasReady || is === 'killing' ? fault : workerFaults.unfit(fault);
  const ended = workerFaults.crashed(`its thread ended by itself with code ${code}`);
  return wasReady ? ended : workerFaults.unfit(ended);
}

/** The fault that ended a thread: a crash, unless it is a fault of the programmer or the set-up, which no other attempt can help. */
export function crashOf(thrown: Thrown): Thrown {
  return thrown.isFinal ? thrown : { ...thrown, code: 'CRASHED' };
}

/**
 * Ends a thread for good: its children first (left for later they would stay zombies, and one that it waits for pins
 * it), then the thread. False: the thread did not end within 2 s, because it sits in native code; only the process can be killed then.
 */
async function killThread(worker: Worker, name: string, time: Time): Promise<boolean> {
  const tid = threadIdOf(name);
  const children = tid === undefined ? [] : processesBelow(tid);
  if (children.length > 0) {
    for (const pid of children) signal(pid, 'SIGKILL');
    for (let left = CHILDREN_GONE_MS; left > 0 && children.some(isRunning); left -= LOOK_EVERY_MS) {
      await time.sleep(LOOK_EVERY_MS);
    }
  }
  const deadline = new AbortController();
  const ended = worker.terminate().then(() => true);
  const late = time.sleep(TERMINATE_MS, deadline.signal).then(
    () => false,
    () => true,
  );
  const gone = await Promise.race([ended, late]);
  deadline.abort();
  return gone;
}

/** A zombie does not run: it is reaped soon. */
function isRunning(pid: number): boolean {
  return readStat(pid)?.isZombie === false;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended by itself.
  }
}

/** Whether an end deserves the time that a diagnosis takes: an end that was asked for does not. */
function isWorthDiagnosing({ code, data }: PlainFault): boolean {
  return code === 'TIMEOUT' || code === 'SILENT' || code === 'OVER_LIMIT' || (code === 'BOOT_FAILED' && !data);
}
