import fs from 'node:fs';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import type { Delivery } from '../../plugin/context.ts';
import type { PluginDefinition } from '../../plugin/define.ts';
import {
  type FromWorkerThread,
  type JobPack,
  MARKER_BYTES,
  type MarkerPlace,
  PACK_FIELDS,
  type RunEnd,
  writeMarker,
} from '../wire.ts';
import { Attempt, abortReason, type WorkerSetting } from './attempt.ts';
import type { DeniedOwner } from './denied.ts';
import { enterJob, intervalLeft, type JobOwner, runAsJob } from './job-owner.ts';
import { toJson } from './json.ts';
import { createRingWriter } from './ring.ts';
import { noteBegin, noteEnd, noteHeard, type Shared, takeTicket } from './shared.ts';
import { retryOf, thrownOf } from './thrown.ts';

/** Taken before plugins get a guarded one: the descriptor is not theirs. */
const { writeSync } = fs;
const { wait } = Atomics;
const idle = new Int32Array(new SharedArrayBuffer(4));
/** Jobs are done in one go for this long; then timers, messages and log lines get their turn. */
const YIELD_EVERY_MS = 5;

const MOST_REPORTED = 5;

interface RunnerNeeds {
  plugin: PluginDefinition;
  home: WorkerSetting;
  shared: Shared;
  /** The shared clock. */
  clock(): number;
  time: Time;
  post(message: FromWorkerThread): void;
  /** The file and the place in it where the job that was begun is noted; it outlives the whole cell. */
  startedMarkers: ({ fd: number } & MarkerPlace) | null;
  /** Reports the half lines that the job printed; undefined: all of them. */
  flushOutput(job: string | undefined): void;
}

/**
 * Does the jobs that a worker is given, in their order, as many side by side as its shared memory has places for. Exactly one
 * end is told of each that it begins.
 */
export interface Runner {
  dispatch(pack: JobPack): void;
  abort(seq: number, why: PlainFault): void;
  /** The only job that runs; undefined while none does, or several do. */
  jobNow(): JobOwner | undefined;
  /** The place of a job that runs, by its id. */
  placeOf(job: string): number | undefined;
}

/** A job that runs. */
interface Begun {
  owner: JobOwner;
  attempt: Attempt;
  /** Epoch ms. */
  startedEpoch: number;
  input: string | null;
}

export function createRunner(needs: RunnerNeeds): Runner {
  const { plugin, home, shared, clock, time, post } = needs;
  const ring = createRingWriter(shared);
  const markBegin = createBeginMarker(needs);
  const packs: JobPack[] = [];
  const running = new Map<number, Begun>();
  const free = Array.from({ length: shared.places }, (_, at) => shared.places - 1 - at);
  let placeFreed: (() => void) | undefined;
  let turning = false;
  let timerReported = false;

  /** Does all that waits. */
  async function turn() {
    turning = true;
    let yieldedAt = clock();
    for (let pack = packs.shift(); pack; pack = packs.shift()) {
      let seq = pack[0] as number;
      for (let at = 1; at < pack.length; at += PACK_FIELDS, seq++) {
        if (free.length === 0) await new Promise<void>((resolve) => (placeFreed = resolve));
        if (!takeTicket(shared, seq)) continue;
        const begun = begin(seq, pack, at);
        if (shared.places > 1) runAsJob(begun.owner, () => void perform(begun));
        else {
          enterJob(begun.owner);
          await perform(begun);
        }
        if (clock() - yieldedAt > YIELD_EVERY_MS) {
          await new Promise(setImmediate);
          yieldedAt = clock();
        }
      }
    }
    turning = false;
  }

  /** Makes visible what is begun, before the plugin's code runs: first to what outlives the cell, then to the cell. */
  function begin(seq: number, pack: JobPack, at: number): Begun {
    markBegin(seq);
    const place = free.pop()!;
    const startedAt = clock();
    const startedEpoch = time.now();
    noteBegin(shared, place, seq, startedAt, startedEpoch);
    const id = pack[at] as string;
    const input = pack[at + 4] as string | null;
    const attempt = new Attempt(home, {
      ...{ seq, place, id, input },
      attempt: pack[at + 1] as number,
      trigger: pack[at + 2] as string,
      slot: pack[at + 3] as number | null,
    });
    const owner: JobOwner = { id, seq, place, startedAt, hasEnded: false };
    const begun = { owner, attempt, startedEpoch, input };
    running.set(seq, begun);
    return begun;
  }

  async function perform(begun: Begun) {
    const { owner, attempt, input } = begun;
    const { seq, place } = owner;
    let end: RunEnd | string | null;
    try {
      if (plugin.input) attempt.handOver(await checkedInput(plugin.input, input));
      else if (plugin.webhook?.input && input !== null)
        attempt.handOver(await checkedDelivery(plugin.webhook.input, input));
      let value = plugin.run(attempt as never);
      if (isThenable(value)) value = await value;
      const quiet = attempt.quiet();
      if (quiet) await quiet;
      end = value === undefined || value === null ? null : toJson(value, 'the result', 'result');
    } catch (thrown) {
      end = failure(attempt, thrown, home);
    }
    attempt.close();
    owner.hasEnded = true;
    running.delete(seq);
    // Half a line of a job that goes on is not cut in two.
    needs.flushOutput(running.size === 0 ? undefined : owner.id);
    if (owner.intervals) reportInterval(owner);
    if (owner.resources) for (const resource of owner.resources) resource.ended();
    report(begun, end);
    noteEnd(shared, place);
    free.push(place);
    placeFreed?.();
  }

  /** Once: it goes on firing in jobs that know nothing of it. */
  function reportInterval(left: JobOwner) {
    const begun = timerReported ? undefined : intervalLeft(left);
    if (!begun) return;
    timerReported = true;
    post({ say: 'left-over', is: 'timer', job: left.id, thrown: thrownOf(begun, home) });
  }

  function report({ owner, startedEpoch, attempt }: Begun, end: RunEnd | string | null) {
    const { seq } = owner;
    const { text: summary } = attempt;
    const durationMs = clock() - owner.startedAt;
    const isPlain = (end === null || typeof end === 'string') && summary === undefined;
    if (isPlain && ring.put(seq, startedEpoch, durationMs, end)) {
      if (ring.mustWake()) post(null);
      return;
    }
    const ended: RunEnd = end === null || typeof end === 'string' ? { is: 'done', result: end } : end;
    const startedAt = startedEpoch;
    post({ say: 'ended', seq, startedAt, durationMs, end: ended, ...(summary === undefined ? {} : { summary }) });
  }

  return {
    dispatch(pack) {
      packs.push(pack);
      if (!turning) void turn();
    },
    abort(seq, why) {
      const begun = running.get(seq);
      if (!begun) return;
      const { attempt, owner } = begun;
      // First, since the plugin's listeners may never come back: then the job itself is the cause.
      noteHeard(shared, owner.place);
      // A message has no job: its listeners would run as nobody's.
      runAsJob(owner, () => attempt.abort(why));
      owner.aborted ??= abortReason(why);
      if (owner.resources) for (const resource of owner.resources) resource.aborted(owner.aborted);
    },
    jobNow: () => (running.size === 1 ? running.values().next().value!.owner : undefined),
    placeOf(job) {
      for (const { owner } of running.values()) if (owner.id === job) return owner.place;
      return undefined;
    },
  };
}

/** Notes the job that begins where its host finds the note when the whole cell has died. */
function createBeginMarker({ startedMarkers: markers, post }: RunnerNeeds): (seq: number) => void {
  if (!markers) return () => {};
  const { fd, at, key } = markers;
  const note = Buffer.alloc(MARKER_BYTES);
  return (seq) => {
    writeMarker(note, seq, key);
    try {
      writeSync(fd, note, 0, MARKER_BYTES, at);
    } catch {
      // A plugin has closed the number. Were the job done all the same, it would be done again when the cell dies.
      post({ say: 'unmarked' });
      for (;;) wait(idle, 0, 0);
    }
  };
}

/** After an abort the abort is the cause, whatever its waiting code then threw, unless the plugin itself decided. */
function failure(attempt: Attempt, thrown: unknown, owner: DeniedOwner): RunEnd {
  const retry = retryOf(thrown, owner);
  const fault = thrownOf(thrown, owner);
  if (!attempt.aborted || retry !== true) return { is: 'failed', thrown: fault, retry };
  const stack = isOfDaruma(thrown) || !fault.stack ? {} : { stack: fault.stack };
  return { is: 'failed', thrown: { ...stack, ...attempt.aborted }, retry: true };
}

/** A thrown proxy may throw at any look. */
function isOfDaruma(thrown: unknown): boolean {
  try {
    return thrown instanceof Fault;
  } catch {
    return false;
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/**
 * The input of the job, as the plugin's schema makes it. A null input is tried as undefined first, so that a default or
 * `.optional()` takes it. Rejects with `INPUT_INVALID`, which names each place that does not fit.
 */
async function checkedInput(schema: NonNullable<PluginDefinition['input']>, text: string | null): Promise<unknown> {
  if (text === null) {
    const nothing = await schema.safeParseAsync(undefined);
    if (nothing.success) return nothing.data;
  }
  return parsedInput(schema, text === null ? null : JSON.parse(text), 'input');
}

/** The delivery that a job was given, with its body as the schema makes it; rejects as {@link checkedInput} does. */
async function checkedDelivery(schema: NonNullable<PluginDefinition['input']>, text: string): Promise<unknown> {
  const { event = null, delivery = null, body } = (JSON.parse(text) ?? {}) as Partial<Delivery>;
  return { event, delivery, body: await parsedInput(schema, body, 'input.body') };
}

async function parsedInput(
  schema: NonNullable<PluginDefinition['input']>,
  value: unknown,
  root: string,
): Promise<unknown> {
  const parsed = await schema.safeParseAsync(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const places = issues
    .slice(0, MOST_REPORTED)
    .map(({ path, message }) => `${[root, ...path.map(String)].join('.')}: ${message}`);
  const more = issues.length > MOST_REPORTED ? ` (and ${issues.length - MOST_REPORTED} more)` : '';
  throw new Fault({
    code: 'INPUT_INVALID',
    message: `what the job was given does not fit: ${places.join('; ')}${more}`,
    next: 'send what the plugin’s `input` says: daruma agents shows it',
  });
}
