import type { FenceTerms } from '../fence/terms.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { type CellHistory, createCellHistory } from './cell-memory.ts';
import { type CellLoss, type CellProcess, type CellProcessOptions, openCellProcess } from './cell-process.ts';
import { createFenceGate, type FencedMessage, type FenceGate } from './fence-gate.ts';
import type { HostWorker } from './worker.ts';

export interface Cell {
  readonly process: CellProcess;
  /** What the host says to the cell goes through it: nothing but the terms before the fences are up. */
  readonly gate: FenceGate;
  /** The only agent in it; null for a shared cell and for a spare one. */
  owner: string | null;
  /** What the cell may use; null: it is spare, and shuts itself in when somebody needs it. */
  terms: FenceTerms | null;
  readonly workers: Map<number, HostWorker>;
  /** The latest that have ended. */
  readonly gone: Map<number, HostWorker>;
  /** A thread in it cannot be stopped, or it is being closed: it takes no more workers. */
  closing: boolean;
  emptySince: number;
  rssBytes: number | null;
  /** For how long it has said nothing. */
  quietMs: number;
  readonly history: CellHistory;
}

export interface CellNeeds {
  time: Time;
  log: Log;
  receive(cell: Cell, messages: FencedMessage[]): void;
  /** It sent what cannot be handled, and is killed. */
  broken(cell: Cell, why: PlainFault): void;
  /** It is gone; its workers are still in it. */
  lost(cell: Cell, how: CellLoss, wasExpected: boolean): void;
}

/** Starts the process of a spare cell. A fence of it that does not hold kills it. */
export function openCell(needs: CellNeeds, options: CellProcessOptions): Cell {
  const { time, log } = needs;
  const process = openCellProcess(
    {
      time,
      receive: (messages) => gate.receive(messages),
      broken: (why) => needs.broken(cell, why),
      lost(how) {
        const wasExpected = cell.closing;
        cell.closing = true;
        if (!wasExpected) log.warn(how.fault.message, { pid: process.pid, outOfMemory: how.outOfMemory });
        needs.lost(cell, how, wasExpected);
      },
    },
    options,
  );
  const gate = createFenceGate({
    pid: () => process.pid,
    post: process.post,
    receive: (messages) => needs.receive(cell, messages),
    failed(why) {
      log.error(`a cell is killed, its fences do not hold: ${why}`, { pid: process.pid });
      process.kill(`its fences do not hold: ${why}`);
    },
  });
  const cell: Cell = {
    process,
    gate,
    owner: null,
    terms: null,
    workers: new Map(),
    gone: new Map(),
    closing: false,
    emptySince: time.monotonic(),
    rssBytes: null,
    quietMs: 0,
    history: createCellHistory(),
  };
  return cell;
}
