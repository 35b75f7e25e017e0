import { shown } from '../../kernel/bounds.ts';
import { Fault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { OperationRole } from '../../operations/operation.ts';
import { OPERATIONS, type Op, type Ops, readArgs } from '../../operations/table.ts';
import type { Actor } from '../audit.ts';
import { type Arriving, whenAgentsAreIn } from './arriving.ts';

/** The client of an operation, for its handler. */
export interface OpCall<Item = unknown> {
  role: OperationRole;
  /** The client that asks, for the audit. Left out: nobody who could act. */
  by?(): Actor;
  /** Sends one item of a stream before the answer. False: the client reads too slowly, the item was dropped. */
  item(item: Item): boolean;
  /** Aborted when the client is gone. */
  gone: AbortSignal;
}

/** The client of an operation, as events name it: `cli:ann`; undefined: nobody who could act. */
export function whoOf({ by }: Pick<OpCall, 'by'>): string | undefined {
  const actor = by?.();
  return actor && `${actor.via}:${actor.who}`;
}

/** The function that answers each operation. The table has parsed the arguments: no handler checks their form again. */
export type OpTable = {
  [O in Op]: (args: Ops[O]['read'], call: OpCall<Ops[O]['item']>) => Promise<Ops[O]['value']>;
};

/** Operations as a client asks for them, by unchecked names and arguments. */
export interface Operations {
  /** Rejects with `OP_UNKNOWN`, `ROLE_LACKING`, `ARGS_INVALID`, or what the operation says. */
  ask(op: unknown, args: unknown, call: OpCall): Promise<unknown>;
}

/** No agent is on its way: what is there is all there is. */
const ALL_IN: Arriving = { isSettled: () => true, settled: async () => {} };

/** `missing`: the fault for an operation of the table that has no handler. `arriving`: agents that operations may name and that are not in yet; default none. */
export function createOperations(
  handlers: Partial<OpTable>,
  missing: (op: Op) => Fault = unknownOp,
  arriving: Arriving = ALL_IN,
): Operations {
  async function answer<O extends Op>(op: O, args: unknown, call: OpCall): Promise<Ops[O]['value']> {
    const handler: OpTable[O] | undefined = handlers[op];
    if (!handler) throw missing(op);
    const read = readArgs(op, args);
    return whenAgentsAreIn(arriving, () => handler(read, call));
  }
  return {
    async ask(op, args, call) {
      if (!isOp(op)) throw unknownOp(op);
      if (OPERATIONS[op].role === 'operator' && call.role !== 'operator') throw roleLacking(op);
      return answer(op, args, call);
    },
  };
}

function isOp(name: unknown): name is Op {
  return typeof name === 'string' && Object.hasOwn(OPERATIONS, name);
}

function roleLacking(op: Op): Fault {
  const message = `${op} is for operators, and this client is a reader`;
  const next = 'ask with the token of operators, which lies beside the control socket; without DARUMA_ROLE=reader';
  return new Fault({ code: 'ROLE_LACKING', message, next });
}

function unknownOp(name: unknown): Fault {
  const near = typeof name === 'string' && name.length < 100 ? suggest(name, Object.keys(OPERATIONS)) : undefined;
  return new Fault({
    code: 'OP_UNKNOWN',
    message: `the host knows no op ${shown(name)}`,
    next: near
      ? `did you mean ${near}?`
      : 'is the command line of another version than the host? daruma stop; daruma start',
  });
}
