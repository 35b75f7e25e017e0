import type { Ops } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Time } from '../kernel/time.ts';
import { type HostLink, hashOf } from './host-link.ts';
import type { HostDown, ReadOp } from './page.ts';
import type { Reads } from './reads.ts';

/**
 * Answers operations that change nothing: by the host, or out of the store while the host does not answer. Both look at
 * the role of the session that `cookie` belongs to; without a session it is that of a reader.
 */
export interface Reader {
  ask<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null): Promise<Ops[O]['value']>;
  /** undefined: the host is at work. */
  down(): HostDown | undefined;
}

/** Three pings of the host are missing. */
const SILENT_MS = 6_500;
const WITHIN_MS = 3_000;
/** Operations that read many rows: the host is not held up for them, whoever looks and however often. */
const FROM_STORE: ReadonlySet<ReadOp> = new Set<ReadOp>([
  'jobs',
  'slots',
  'dlq',
  'incidents',
  'incident',
  'logs',
  'logFiles',
  'batches',
  'batch',
  'batchItems',
  'batchPlan',
  'events',
]);
/** Faults for which the host may know better. */
const STORE_FAULT = /^(STORE_|READ_FAILED)/;

interface ReaderNeeds {
  time: Pick<Time, 'now'>;
  link: Pick<HostLink, 'ask' | 'session' | 'silentMs'>;
  reads: Pick<Reads, 'ask'>;
  /** The process id of the host. */
  parent: number;
}

export function createReader({ time, link, reads, parent }: ReaderNeeds): Reader {
  /** Questions that are under way, by what they ask and for which role: pages that ask the same at once ask once. */
  const underWay = new Map<string, Promise<unknown>>();
  const isSilent = () => link.silentMs() > SILENT_MS;

  const roleOf = (cookie: string | null) => (cookie !== null && link.session(hashOf(cookie))?.role) || 'reader';

  async function fromStore<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    return (await reads.ask(op, args, roleOf(cookie))) as Ops[O]['value'];
  }

  async function answer<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    if (isSilent()) return fromStore(op, args, cookie);
    if (FROM_STORE.has(op)) {
      try {
        return await fromStore(op, args, cookie);
      } catch (thrown) {
        if (!(thrown instanceof Fault) || !STORE_FAULT.test(thrown.code)) throw thrown;
      }
    }
    try {
      return await link.ask(op, args, { cookie, withinMs: WITHIN_MS });
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'HOST_SILENT') return fromStore(op, args, cookie);
      throw thrown;
    }
  }

  return {
    ask(op, args, cookie) {
      const key = JSON.stringify([op, args, roleOf(cookie)]);
      const asked = underWay.get(key) ?? answer(op, args, cookie).finally(() => underWay.delete(key));
      underWay.set(key, asked);
      return asked as Promise<never>;
    },
    down: () => (isSilent() ? { pid: parent, lastSign: isoOf(time.now() - link.silentMs()) } : undefined),
  };
}
