import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { MINUTE_MS } from '../kernel/measures.ts';
import type { Scrubber } from '../kernel/scrub.ts';
import type { Time } from '../kernel/time.ts';
import type { OperationRole } from '../operations/operation.ts';
import { OPERATIONS, type Op } from '../operations/table.ts';
import type { Events } from '../telemetry/events.ts';

/** Records what people and programs do to the installation, whichever way they ask. */
export interface Audit {
  /** Records an act when it is over, and passes its outcome on; an operation that only reads is not recorded. */
  of<T>(by: () => Actor, request: ActRequest, asked: Promise<T>): Promise<T>;
  /** Records what is no operation: that somebody signed in or out. */
  record(by: Actor, operation: string): void;
  /** Records what was only counted so far. */
  end(): void;
}

/** An operation that somebody asks for, with its arguments as they came. */
interface ActRequest {
  operation: string;
  args: unknown;
}

interface Act extends ActRequest {
  by: Actor;
}

/** The client that asks. */
export interface Actor {
  /** The door: `page`, `cli`, `mcp`, or the name that a client of the control socket gives itself. */
  via: string;
  /** A session of the page by the first digits of its hash, an assistant by its name, or a user of this machine. */
  who: string;
  role: OperationRole;
}

/** The kind of event that an act is. */
export const ACT_EVENT = 'act';

/** Characters of arguments that are written down. */
const LONGEST_ARGS = 2_000;
/** Acts of one operation by one actor within a minute that get a row each; the acts beyond share one. */
const MOST_PER_MINUTE = 60;

interface AuditNeeds {
  time: Pick<Time, 'after'>;
  events: Pick<Events, 'record'>;
  scrub: Pick<Scrubber, 'value'>;
}

/** The acts of one operation by one actor within a minute; those beyond the bound as a number. */
interface Minute {
  act: Act;
  rows: number;
  beyond: number;
  failed: number;
  stop(): void;
}

export function createAudit({ time, events, scrub }: AuditNeeds): Audit {
  const minutes = new Map<string, Minute>();

  function write({ by, operation, args }: Act, fault: PlainFault | null, times = 1) {
    const text = JSON.stringify(args ?? {});
    const shown = text.length > LONGEST_ARGS ? { cut: text.slice(0, LONGEST_ARGS) } : (args ?? {});
    const { agent } = (args ?? {}) as { agent?: unknown };
    const often = times === 1 ? '' : `, ${times} times`;
    events.record(fault ? 'warn' : 'info', {
      kind: ACT_EVENT,
      agent: typeof agent === 'string' ? agent : null,
      message: `${by.role} ${by.who} by ${by.via}: ${operation}${often}${fault ? `, refused: ${fault.message}` : ''}`,
      data: { ...by, operation, args: scrub.value(shown), ok: fault === null, fault, times },
    });
  }

  function minuteOf(act: Act): Minute {
    const key = JSON.stringify([act.by.via, act.by.who, act.operation]);
    const known = minutes.get(key);
    if (known) return known;
    const stop = time.after(MINUTE_MS, () => close(key));
    const minute = { act, rows: 0, beyond: 0, failed: 0, stop };
    minutes.set(key, minute);
    return minute;
  }

  function close(key: string) {
    const { act, beyond, failed, stop } = minutes.get(key)!;
    minutes.delete(key);
    stop();
    const gathered = { ...act, args: {} };
    if (beyond > failed) write(gathered, null, beyond - failed);
    if (failed > 0) write(gathered, { code: 'ACTS_FAILED', message: `${failed} acts failed` }, failed);
  }

  function add(act: Act, fault: PlainFault | null) {
    const minute = minuteOf(act);
    if (++minute.rows <= MOST_PER_MINUTE) return write(act, fault);
    minute.beyond += 1;
    if (fault) minute.failed += 1;
  }

  return {
    async of(by, request, asked) {
      if (!isAct(request.operation)) return asked;
      const act = { by: by(), ...request };
      try {
        const value = await asked;
        add(act, null);
        return value;
      } catch (thrown) {
        const { stack: _, ...fault } = toPlainFault(thrown);
        add(act, fault);
        throw thrown;
      }
    },
    record: (by, operation) => add({ by, operation, args: {} }, null),
    end() {
      for (const key of [...minutes.keys()]) close(key);
    },
  };
}

/** An assistant's `apply` is recorded as the act that was planned, by the operation itself. */
function isAct(operation: string): boolean {
  if (operation === 'apply') return false;
  return Object.hasOwn(OPERATIONS, operation) && OPERATIONS[operation as Op].kind === 'act';
}
