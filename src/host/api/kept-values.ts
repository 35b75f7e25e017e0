/** The text in place of a value that may hold a secret. */
const WITHHELD = '[not shown while the host does not answer]';
/** Settings of an agent, and the input of its jobs, as an agent file says them. */
const FROM_AGENT_FILE = /^(?:settings|input)\b/;

/** A header of a delivery that its sender chooses freely. */
const HEADER = /^(?:x-|idempotency-key$)/;

/**
 * Takes out of an answer the values that the store and the versions in force keep as they were given: inputs and keys of jobs, ids, events and headers of deliveries, the state of an agent,
 * its settings, the sources of a version. For a process that knows no secrets, and so cannot tell which of them hold one. `value` is plain data.
 */
export function withholdKept(op: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withholdKept(op, one));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, held]) => [
    key,
    held !== null && isKept(op, key, value) ? WITHHELD : withholdKept(op, held),
  ]);
  return Object.fromEntries(entries);
}

function isKept(op: string, key: string, of: object): boolean {
  if ('trigger' in of && 'queuedAt' in of) return key === 'input' || key === 'key';
  if (op === 'deliveries') return key === 'delivery' || key === 'event' || HEADER.test(key);
  if (op === 'sources') return key === 'text';
  if (op === 'state') return key === 'key' || key === 'value';
  return op === 'configShow' && key === 'value' && 'path' in of && FROM_AGENT_FILE.test(String(of.path));
}
