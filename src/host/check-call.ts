import { BOUNDS, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readInstant } from '../kernel/instant.ts';
import { MB } from '../kernel/measures.ts';
import { callEndCheck, isOrigin } from '../kernel/origin.ts';
import {
  type Check,
  isAmount,
  isBoolean,
  isJsonText,
  listOf,
  mismatchOf,
  oneOf,
  orNone,
  orNull,
  type Shape,
  shapeOf,
  textUpTo,
  wholeWithin,
} from '../kernel/shape.ts';
import type { WorkerCall } from '../workers/ports.ts';
import type { RehearsalCall } from '../workers/rehearsal.ts';

const name: Check = (said) => said !== '' && textUpTo(200)(said);
const path: Check = (said) => said !== '' && textUpTo(4_096)(said) && !(said as string).includes('\0');
const sentence = textUpTo(16 * 1024);
const json: Check = (said) => textUpTo(BOUNDS.payload.most)(said) && isJsonText(said as string);
const instant: Check = (said) => typeof readInstant(said) === 'number';
const number: Check = (said) => Number.isSafeInteger(said);
const origin: Check = (said) => textUpTo(2_048)(said) && isOrigin(said as string);
const argument: Check = (said) => textUpTo(128 * 1024)(said) && !(said as string).includes('\0');

/** The loader's variables run code before a command; the mark of Daruma is how its processes are found again. */
const environment: Check = (said) =>
  typeof said === 'object' &&
  said !== null &&
  Object.entries(said).every(
    ([key, value]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !/^(LD_|DARUMA_)/.test(key) && argument(value),
  );

const end = callEndCheck(sentence);

/** A call that a host answers; the others are a rehearsal's. */
export type HostCall = Exclude<WorkerCall, RehearsalCall>;

/** The fields of each call that a host answers. The code that answers a call decides whether it is granted. */
const CALLS: Readonly<Record<HostCall['ask'], Shape>> = {
  beginEffect: { key: name },
  endEffect: { key: name, result: orNull(json), problem: orNone(sentence) },
  dropEffect: { key: name },
  getState: { key: name },
  setState: { key: name, value: json },
  deleteState: { key: name },
  stateKeys: {},
  send: {
    to: name,
    input: orNull(json),
    key: orNone(name),
    afterMs: orNone(wholeWithin(BOUNDS.wait)),
    priority: orNone(wholeWithin(BOUNDS.priority)),
    staleAfterMs: orNone(wholeWithin(BOUNDS.use)),
  },
  emit: { topic: name, data: orNull(json) },
  exec: {
    call: number,
    command: path,
    args: listOf(argument, 100_000),
    input: orNone(textUpTo(8 * MB)),
    timeoutMs: orNone(wholeWithin(BOUNDS.timer)),
    env: orNone(environment),
    cwd: orNone(path),
    maxOutputBytes: orNone(wholeWithin(BOUNDS.output)),
  },
  stopExec: { call: number },
  kill: {
    targets: listOf(shapeOf({ pid: number, start: isAmount }), 10_000),
    signal: oneOf(['SIGTERM', 'SIGINT', 'SIGKILL']),
  },
  admit: { origin, timeoutMs: orNone(wholeWithin(BOUNDS.timer)), alone: isBoolean, again: orNone(isBoolean) },
  fetched: { meant: origin, origin, pass: number, end },
  fleetReport: { from: orNone(instant), to: orNone(instant) },
  fleetHealth: {},
  backUp: { to: path },
  proveBackup: { file: path },
  fleetParts: {},
  fleetEvidence: { incident: name },
  fleetDiagnosed: { incident: name, answer: json, model: orNone(textUpTo(200)) },
};

/**
 * The call with the fields of its kind, and no others. Throws `CALL_INVALID` for what no plugin can ask for by its context:
 * the worker has read its options before; but a plugin can write to its worker's channel, and what comes from there is only a
 * claim. Job, attempt and agent are the host's own.
 */
export function readCall(call: WorkerCall): HostCall {
  const { ask, job, attempt, agent } = call;
  if (!Object.hasOwn(CALLS, ask)) throw invalid(`${shown(ask)} is no call`);
  const shape = CALLS[ask as HostCall['ask']];
  const field = mismatchOf(call, shape);
  const values = call as unknown as Record<string, unknown>;
  if (field !== undefined) throw invalid(`${ask}: ${field} ${shown(values[field])} is out of its bounds`);
  const read: Record<string, unknown> = { ask, job, attempt, agent };
  for (const field in shape) if (values[field] !== undefined) read[field] = values[field];
  return read as unknown as HostCall;
}

function invalid(message: string): Fault {
  return new Fault({ code: 'CALL_INVALID', message });
}
