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
import { enterJob, intervalLeft, type JobOwner } from './job-owner.ts';
import { toJson } from './json.ts';
import { createRingWriter } from './ring.ts';
import { MARK, type Shared, TIME, takeTicket } from './shared.ts';
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
  /** Reports the half lines that were printed. */
  flushOutput(): void;
}

/** Does the jobs that a worker is given, one after the other. Exactly one end is told of each that it begins. */
export interface Runner {
  dispatch(pack: JobPack): void;
  abort(seq: number, why: PlainFault): void;
  /** The job that is being done. */
  jobNow(): JobOwner | undefined;
}

export function createRunner(needs: RunnerNeeds): Runner {
  const { plugin, home, shared, clock, time, post } = needs;
  const { startedMarkers: markers } = needs;
  const ring = createRingWriter(shared);
  const note = Buffer.alloc(MARKER_BYTES);
  const packs: JobPack[] = [];
  let running = false;
  let timerReported = false;
  let now: { seq: number; owner: JobOwner; attempt: Attempt } | undefined;

  /** Does all that waits. */
  async function turn() {
    running = true;
    let yieldedAt = clock();
    for (let pack = packs.shift(); pack; pack = packs.shift()) {
      let seq = pack[0] as number;
      for (let at = 1; at < pack.length; at += PACK_FIELDS, seq++) {
        if (!takeTicket(shared, seq)) continue;
        const began = begin(seq);
        await perform(seq, pack, at, began);
        if (clock() - yieldedAt > YIELD_EVERY_MS) {
          await new Promise(setImmediate);
          yieldedAt = clock();
        }
      }
    }
    running = false;
  }

  /** Makes visible what is begun, before the plugin's code runs: first to what outlives the cell, then to the cell. */
  function begin(seq: number): number {
    if (markers) {
      writeMarker(note, seq, markers.key);
      try {
        writeSync(markers.fd, note, 0, MARKER_BYTES, markers.at);
      } catch {
        // A plugin has closed the number. Were the job done all the same, it would be done again when the cell dies.
        post({ say: 'unmarked' });
        for (;;) wait(idle, 0, 0);
      }
    }
    const began = clock();
    shared.times[TIME.startedEpoch] = time.now();
    shared.times[TIME.startedAt] = began;
    shared.times[TIME.progressAt] = began;
    shared.marks[MARK.note] = 0;
    Atomics.store(shared.marks, MARK.current, seq);
    return began;
  }

  async function perform(seq: number, pack: JobPack, at: number, began: number) {
    const attempt = new Attempt(home, {
      seq,
      id: pack[at] as string,
      attempt: pack[at + 1] as number,
      trigger: pack[at + 2] as string,
      slot: pack[at + 3] as number | null,
      input: pack[at + 4] as string | null,
    });
    const owner: JobOwner = { id: pack[at] as string, seq, startedAt: began, hasEnded: false };
    now = { seq, owner, attempt };
    enterJob(owner);
    let end: RunEnd | string | null;
    try {
      const given = pack[at + 4] as string | null;
      if (plugin.input) attempt.handOver(await checkedInput(plugin.input, given));
      else if (plugin.webhook?.input && given !== null)
        attempt.handOver(await checkedDelivery(plugin.webhook.input, given));
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
    needs.flushOutput();
    if (owner.intervals) reportInterval(owner);
    if (owner.resources) for (const resource of owner.resources) resource.ended();
    now = undefined;
    report(seq, end, clock() - began, attempt.text);
    Atomics.store(shared.marks, MARK.current, 0);
  }

  /** Once: it goes on firing in jobs that know nothing of it. */
  function reportInterval(left: JobOwner) {
    const begun = timerReported ? undefined : intervalLeft(left);
    if (!begun) return;
    timerReported = true;
    post({ say: 'left-over', is: 'timer', job: left.id, thrown: thrownOf(begun, home) });
  }

  function report(seq: number, end: RunEnd | string | null, durationMs: number, summary: string | undefined) {
    const startedAt = shared.times[TIME.startedEpoch]!;
    const isPlain = (end === null || typeof end === 'string') && summary === undefined;
    if (isPlain && ring.put(seq, startedAt, durationMs, end)) {
      if (ring.mustWake()) post(null);
      return;
    }
    const ended: RunEnd = end === null || typeof end === 'string' ? { is: 'done', result: end } : end;
    post({ say: 'ended', seq, startedAt, durationMs, end: ended, ...(summary === undefined ? {} : { summary }) });
  }

  return {
    dispatch(pack) {
      packs.push(pack);
      if (!running) void turn();
    },
    abort(seq, why) {
      if (now?.seq !== seq) return;
      const { attempt, owner } = now;
      attempt.abort(why);
      owner.aborted ??= abortReason(why);
      if (owner.resources) for (const resource of owner.resources) resource.aborted(owner.aborted);
    },
    jobNow: () => now?.owner,
  };
}

/** After an abort the abort is the cause, whatever its waiting code then threw, unless the plugin itself decided. */
function failure(attempt: Attempt, thrown: unknown, owner: DeniedOwner): RunEnd {
  const retry = retryOf(thrown, owner);
  const fault = thrownOf(thrown, owner);
  if (!attempt.aborted || retry !== true) return { is: 'failed', thrown: fault, retry };
  const stack = thrown instanceof Fault || !fault.stack ? {} : { stack: fault.stack };
  return { is: 'failed', thrown: { ...stack, ...attempt.aborted }, retry: true };
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
