import { isDeepStrictEqual } from 'node:util';
import type { Owner } from '../jobs/ports.ts';
import { toPlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import type { IncidentStore, QuarantineEnd, QuarantineRecord } from './ports.ts';
import { afterFailedProbe, allowanceOf, beginQuarantine } from './quarantine-rules.ts';

/**
 * Agents in quarantine, on this host or on another. The gate is in memory and closes at once; the store follows, so that a restart does not
 * open the gate, and other hosts close theirs.
 *
 * A probe is the oldest job that waits. When none waits, the next one that is asked for is the probe (a slot, an event, a run
 * by hand): no job is ever made up, because an agent's effects must not come at a time that no schedule, event or person asked
 * for.
 */
export interface Quarantines {
  load(): Promise<void>;
  /** Reads what other hosts have written; true when something is different now. A record that is not written down yet stays. */
  reread(): Promise<boolean>;
  get(agent: string): QuarantineRecord | undefined;
  all(): QuarantineRecord[];
  /** How many of the agent's attempts may be under way. */
  allowance(agent: string): number;
  /** Whether the slot may ask for the job that is the probe: one slot may when a probe is due, and the same one again. */
  letThrough(agent: string, due: number): boolean;
  begin(agent: string, fingerprint: string): QuarantineRecord;
  /** The incident is known by its id now. */
  name(agent: string, incident: string): void;
  probeFailed(agent: string): QuarantineRecord;
  /** The next job is a probe, whatever the pause. */
  probeNow(agent: string): void;
  /** `end`: told as an event, written with the end; undefined: the agent is gone. */
  release(agent: string, end?: QuarantineEnd): QuarantineRecord | undefined;
  /** Writes down what the store refused before. */
  retry(): void;
  settled(): Promise<void>;
}

interface QuarantinesNeeds {
  owner: Owner;
  time: Time;
  log: Log;
  store: Pick<IncidentStore, 'putQuarantine' | 'endQuarantine' | 'quarantines'>;
}

export function createQuarantines({ owner, time, log, store }: QuarantinesNeeds): Quarantines {
  const records = new Map<string, QuarantineRecord>();
  /** The slot that was let through for the probe at hand. */
  const letThrough = new Map<string, number>();
  const unwritten = new Set<string>();
  /** Why quarantines ended, until that is written down. */
  const reasons = new Map<string, QuarantineEnd>();
  /** How often an agent's record was changed here. */
  const changes = new Map<string, number>();
  let writing: Promise<void> = Promise.resolve();

  function set(record: QuarantineRecord): QuarantineRecord {
    records.set(record.agent, record);
    write(record.agent);
    return record;
  }

  function write(agent: string) {
    changes.set(agent, (changes.get(agent) ?? 0) + 1);
    writing = writing.then(async () => {
      const record = records.get(agent);
      try {
        if (record) await store.putQuarantine(record, owner);
        else await store.endQuarantine(agent, owner, reasons.get(agent));
        if (!record) reasons.delete(agent);
        unwritten.delete(agent);
      } catch (error) {
        if (unwritten.size === 0)
          log.error('a quarantine could not be written down; trying on', { agent, fault: toPlainFault(error) });
        unwritten.add(agent);
      }
    });
  }

  async function reread(): Promise<boolean> {
    await writing;
    const before = new Map(changes);
    const found = new Map((await store.quarantines()).map((record) => [record.agent, record]));
    // A record that was read may be older than a change here.
    const isOurs = (agent: string) => unwritten.has(agent) || changes.get(agent) !== before.get(agent);
    const other = [...new Set([...found.keys(), ...records.keys()])].filter(
      (agent) => !isOurs(agent) && !isDeepStrictEqual(found.get(agent), records.get(agent)),
    );
    for (const agent of other) {
      const record = found.get(agent);
      if (record) records.set(agent, record);
      else records.delete(agent);
    }
    return other.length > 0;
  }

  return {
    async load() {
      records.clear();
      for (const record of await store.quarantines()) records.set(record.agent, record);
    },
    reread,
    get: (agent) => records.get(agent),
    all: () => [...records.values()],
    allowance: (agent) => allowanceOf(records.get(agent), time.now()),
    letThrough(agent, due) {
      const passed = letThrough.get(agent);
      const isProbe = allowanceOf(records.get(agent), time.now()) > 0 && (passed === undefined || passed === due);
      if (isProbe && records.has(agent)) letThrough.set(agent, due);
      return isProbe;
    },
    begin(agent, fingerprint) {
      letThrough.delete(agent);
      return set(beginQuarantine({ agent, incident: '', fingerprint }, time.now(), time.random()));
    },
    name(agent, incident) {
      const record = records.get(agent);
      if (record && record.incident !== incident) set({ ...record, incident });
    },
    probeFailed(agent) {
      letThrough.delete(agent);
      return set(afterFailedProbe(records.get(agent)!, time.now(), time.random()));
    },
    probeNow(agent) {
      const record = records.get(agent);
      if (record) set({ ...record, nextProbeAt: Math.min(record.nextProbeAt, time.now()) });
    },
    release(agent, end) {
      const record = records.get(agent);
      if (end && record) reasons.set(agent, end);
      letThrough.delete(agent);
      if (records.delete(agent)) write(agent);
      return record;
    },
    retry() {
      for (const agent of unwritten) write(agent);
    },
    settled: () => writing,
  };
}
