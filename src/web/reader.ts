import type { Ops } from '../control/protocol.ts';
import { Fault } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { sha256 } from '../kernel/sha256.ts';
import type { Time } from '../kernel/time.ts';
import type { HostLink } from './host-link.ts';
import type { HostDown, ReadOp } from './page.ts';
import type { Reads } from './reads.ts';
import { createSharedAnswers } from './shared.ts';
import { withHoldUps } from './with-hold-ups.ts';

/**
 * Answers operations that change nothing: by the host, or out of the store while the host does not answer. Both look at
 * the role of the session that `cookie` belongs to; without a session it is that of a reader.
 */
export interface Reader {
  /** `maxAgeMs`: the age of an answer that the request accepts; see {@link SharedAnswers}. Default: 0. */
  ask<O extends ReadOp>(
    op: O,
    args: Ops[O]['args'],
    cookie: string | null,
    maxAgeMs?: number,
  ): Promise<Ops[O]['value']>;
  /** Something has changed: no answer that was asked for before is shared from now on. */
  forget(): void;
  /** Calls of `forget` so far: what was made of answers is as old as they are. */
  changes(): number;
  /** undefined: the host is at work. */
  down(): HostDown | undefined;
}

/** Answers that are kept for open pages, for a second. */
const MOST_KEPT = 32;
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
/**
 * Questions that the host may answer while the thread that reads the store loads its code, at most so many at a time: the first page after
 * a rest waits for no thread.
 */
const MOST_MEANWHILE = 4;
/** Without a text that is looked for, the store finds the rows of these by an index. */
const SHORT_READS: ReadonlySet<ReadOp> = new Set<ReadOp>(['jobs', 'dlq', 'incidents', 'incident', 'batches', 'batch']);
/** Faults for which the host may know better. */
const STORE_FAULT = /^(STORE_|READ_FAILED)/;

interface ReaderNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  link: Pick<HostLink, 'ask' | 'session' | 'silentMs'>;
  reads: Pick<Reads, 'ask' | 'isReady' | 'beginSoon'>;
  /** The process id of the host. */
  parent: number;
}

export function createReader({ time, link, reads, parent }: ReaderNeeds): Reader {
  /** By what is asked for, and the role: a reader shares no answer with an operator. */
  const shared = createSharedAnswers<unknown>(time, MOST_KEPT);
  let changes = 0;
  let meanwhile = 0;
  const isSilent = () => link.silentMs() > SILENT_MS;

  const roleOf = (cookie: string | null) => (cookie !== null && link.session(sha256(cookie))?.role) || 'reader';

  async function fromStore<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    return (await reads.ask(op, args, roleOf(cookie))) as Ops[O]['value'];
  }

  async function fromHost<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    try {
      return await link.ask(op, args, { cookie, withinMs: WITHIN_MS });
    } catch (thrown) {
      if (thrown instanceof Fault && thrown.code === 'HOST_SILENT') return fromStore(op, args, cookie);
      throw thrown;
    }
  }

  /** Out of the store, where jobs do not say why they wait. */
  async function explained<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    const found = await fromStore(op, args, cookie);
    if (op !== 'jobs') return found;
    const askHost = (asked: Ops['holdUps']['args']) => link.ask('holdUps', asked, { cookie, withinMs: WITHIN_MS });
    return (await withHoldUps(found as Ops['jobs']['value'], askHost)) as Ops[O]['value'];
  }

  /** The answer of the host to a short question for the store, while the thread begins; undefined: the thread is to be asked. */
  function meanwhileFromHost<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    if (reads.isReady()) return undefined;
    reads.beginSoon();
    if (!SHORT_READS.has(op) || 'text' in args || meanwhile >= MOST_MEANWHILE) return undefined;
    meanwhile += 1;
    return fromHost(op, args, cookie).finally(() => {
      meanwhile -= 1;
    });
  }

  async function answer<O extends ReadOp>(op: O, args: Ops[O]['args'], cookie: string | null) {
    if (isSilent()) return fromStore(op, args, cookie);
    if (!FROM_STORE.has(op)) return fromHost(op, args, cookie);
    try {
      return await (meanwhileFromHost(op, args, cookie) ?? explained(op, args, cookie));
    } catch (thrown) {
      if (!(thrown instanceof Fault) || !STORE_FAULT.test(thrown.code)) throw thrown;
      return fromHost(op, args, cookie);
    }
  }

  return {
    ask(op, args, cookie, maxAgeMs = 0) {
      const key = JSON.stringify([op, args, roleOf(cookie)]);
      return shared.of(key, maxAgeMs, () => answer(op, args, cookie)) as Promise<never>;
    },
    forget() {
      changes += 1;
      shared.forget();
    },
    changes: () => changes,
    down: () => (isSilent() ? { pid: parent, lastSign: isoOf(time.now() - link.silentMs()) } : undefined),
  };
}
