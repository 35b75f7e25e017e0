/**
 * A worker that rehearses: the same cell, thread, rights and limits, but its wall clock and its network are a test's. Only the
 * test kit (docs/decisions/0007) and a host's rehearsals ask for it; workers that do real jobs never carry one.
 */
export interface Rehearsal {
  /** The installation that the plugin sees; absolute. Instead of the folder of all workers. */
  folder: string;
  /** Instead of the host's environment: values of the names in `needs.env`. */
  env: Record<string, string>;
  /** Where its wall clock stands when `run` begins, in epoch ms; null: the machine's clock. */
  now: number | null;
  /** `asked`: each `fetch` is a question to the owner of the workers, and no connection is made. `real`: as always, but for models. */
  net: 'asked' | 'real';
  /** `context.dryRun` is true: the plugin may show what it would do instead of being refused it. */
  dryRun?: true;
  /** Every use of a right is noted and asked as `used`: Node's flags and the fence of hosts audit, the kernel's fences hold. */
  learns?: true;
}

/** A right that a worker used, as it would stand in `needs`; paths are absolute, hosts have their port. */
export interface NeedUse {
  need: 'read' | 'write' | 'net' | 'modules' | 'secrets' | 'exec' | 'fleet' | 'llm';
  what: string;
}

/** Calls of a rehearsed worker beside those of every worker. */
export type RehearsalCall =
  | { ask: 'fetch'; request: AskedFetch }
  /** Bytes of the worker that were counted against its limit. */
  | { ask: 'held'; bytes: number }
  /** Rights that the worker used for the first time. */
  | { ask: 'used'; uses: NeedUse[] };

/** A request as it crosses to the test kit. Bodies are base64, null for none. */
export interface AskedFetch {
  method: string;
  url: string;
  headers: [string, string][];
  body: string | null;
}

/** The answer to an asked request. */
export interface FetchAnswer {
  status: number;
  statusText: string;
  headers: [string, string][];
  body: string | null;
}
