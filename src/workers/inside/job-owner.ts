import { AsyncLocalStorage } from 'node:async_hooks';

/** The job on whose behalf code of the plugin runs, wherever it waits meanwhile: in a timer, a stream, a promise. */
export interface JobOwner {
  readonly id: string;
  /** Of the attempt, in its worker. */
  readonly seq: number;
  /** Where the shared memory has its progress. */
  readonly place: number;
  /** By the shared clock, in ms. */
  readonly startedAt: number;
  /** The attempt is over: timers and promises of it that still run are left-overs. */
  hasEnded: boolean;
  /** The reason of its signal, once that was aborted. */
  aborted?: Error;
  /** Resources that go back when the job ends; undefined without any. */
  resources?: Set<JobResource>;
  /** Intervals that it began, with the place; undefined without any. */
  intervals?: { handle: NodeJS.Timeout; begun: Error }[];
}

/** A resource that a job has for itself. */
interface JobResource {
  aborted(why: Error): void;
  /** The job is over, and has not given it back. */
  ended(): void;
}

const owners = new AsyncLocalStorage<JobOwner>();

/**
 * From now on this code, and all that it begins, runs as the job's. The context is not restored afterwards: a worker
 * that does one job after the other needs none, and Node makes a map to enter a context and another one to leave it, twenty thousand
 * times a second.
 */
export function enterJob(owner: JobOwner): void {
  owners.enterWith(owner);
}

/** Runs the code, and all that it begins, as the job's. The context is restored afterwards: another job may begin at once. */
export function runAsJob(owner: JobOwner, code: () => void): void {
  owners.run(owner, code);
}

/**
 * The job whose code runs now; undefined for code that no job began, and where Node loses the context
 * (`queueMicrotask`).
 */
export function ownerNow(): JobOwner | undefined {
  return owners.getStore();
}

/** From now on intervals are noted with the job that begins them. */
export function noteIntervals(): void {
  const plain = globalThis.setInterval;
  const noted = function setInterval(...args: Parameters<typeof plain>) {
    const handle = plain(...args);
    const owner = ownerNow();
    if (owner) {
      owner.intervals ??= [];
      owner.intervals.push({ handle, begun: new Error('left a timer running after its job had ended: setInterval') });
    }
    return handle;
  };
  globalThis.setInterval = Object.assign(noted, plain) as typeof plain;
}

/** The first of the job's intervals that has not been cleared. */
export function intervalLeft({ intervals }: JobOwner): Error | undefined {
  return intervals?.find(({ handle }) => !(handle as unknown as { _destroyed: boolean })._destroyed)?.begun;
}
