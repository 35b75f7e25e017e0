import { BOUNDS, type Bounds, isWithin, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readInstant } from '../kernel/instant.ts';
import type { CallEnd } from '../kernel/origin.ts';
import type { WorkerCall } from '../workers/ports.ts';

type Check = (said: unknown) => boolean;

const count =
  (bounds: Bounds): Check =>
  (said) =>
    isWithin(said, bounds);
const text =
  (longest: number): Check =>
  (said) =>
    typeof said === 'string' && said.length <= longest;
const name: Check = (said) => said !== '' && text(200)(said);
const json: Check = (said) => said === null || text(BOUNDS.payload.most)(said);
const instant: Check = (said) => typeof readInstant(said) === 'number';
const number: Check = (said) => Number.isSafeInteger(said);
const end: Check = (said) => {
  if (typeof said !== 'object' || said === null) return false;
  const { ms, failure } = said as Partial<Extract<CallEnd, { is: 'bad' }>>;
  return Number.isFinite(ms) && (failure?.retryAfterMs === undefined || Number.isFinite(failure.retryAfterMs));
};

/** Fields of a call that its worker fills in. The options of a command are checked where it is run. */
const FIELDS: Partial<Record<WorkerCall['ask'], Record<string, Check>>> = {
  beginEffect: { key: name },
  endEffect: { key: name, result: json },
  dropEffect: { key: name },
  getState: { key: name },
  setState: { key: name, value: (said) => said !== null && json(said) },
  deleteState: { key: name },
  send: {
    to: name,
    input: json,
    key: name,
    afterMs: count(BOUNDS.wait),
    priority: count(BOUNDS.priority),
    staleAfterMs: count(BOUNDS.use),
  },
  emit: { topic: name, data: json },
  exec: { call: number, timeoutMs: count(BOUNDS.timer), maxOutputBytes: count(BOUNDS.output) },
  stopExec: { call: number },
  admit: { timeoutMs: count(BOUNDS.timer) },
  fetched: { pass: number, end },
  fleetReport: { from: instant, to: instant },
  backUp: { to: (said) => said !== '' && text(4_096)(said) },
};

/**
 * Throws `CALL_INVALID` for a call with a value that no plugin can ask for by its context. The worker has read its options
 * before; but a plugin can write to its worker's channel, and what comes from there is only a claim.
 */
export function checkCall(call: WorkerCall): void {
  const values = call as unknown as Record<string, unknown>;
  for (const [field, holds] of Object.entries(Object.hasOwn(FIELDS, call.ask) ? FIELDS[call.ask]! : {})) {
    const value = values[field];
    if (value === undefined || holds(value)) continue;
    throw new Fault({ code: 'CALL_INVALID', message: `${call.ask}: ${field} ${shown(value)} is out of its bounds` });
  }
}
