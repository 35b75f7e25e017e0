import type { Agent } from '../jobs/agent.ts';
import type { Placement } from '../jobs/placement.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { type CellHistory, createCellHistory } from './cell-memory.ts';
import { type CellLoss, type CellProcess, openCellProcess } from './cell-process.ts';
import type { FromCell } from './wire.ts';
import type { HostWorker } from './worker.ts';

/** An agent that took a cell down so often gets one of its own. */
const TAKEN_DOWN = 2;
/** Cells beyond the warm one go when they have been empty for so long. */
const EMPTY_MS = 30_000;
/** One that serves a single agent goes sooner: its worker stayed for its own idle time before. */
const OWN_EMPTY_MS = 3_000;
/** The neighbours of a thread that cannot be stopped may finish within this time. */
const POISONED_MS = 2_500;

export interface Cell {
  readonly process: CellProcess;
  /** The only agent in it; null for a shared one. */
  readonly owner: string | null;
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

interface CellsNeeds {
  time: Time;
  log: Log;
  receive(cell: Cell, messages: FromCell[]): void;
  /** It sent what cannot be handled, and is killed. */
  broken(cell: Cell, why: PlainFault): void;
  /** It is gone; its workers are still in it. */
  lost(cell: Cell, how: CellLoss, wasExpected: boolean): void;
}

interface CellsOptions {
  cellSize: number;
  emptyFolder: string;
  folder: string;
}

/** The cells: which worker goes into which, and when one is closed. */
export interface Cells {
  all(): Iterable<Cell>;
  /** A cell of that kind with a place for a worker of the agent; a new cell when there is none. */
  placeFor(agent: string, kind: Placement['cell']): Cell;
  /** Keeps one shared cell warm, so that a first job needs only a thread. */
  warmUp(): void;
  /** The agent took a cell down. True: from now on `isApart` holds. */
  blame(agent: Agent): boolean;
  /** From now on `isApart` holds for the agent. */
  setApart(agent: string): void;
  /** Whether the agent was set apart, or this version of it took a cell down {@link TAKEN_DOWN} times. */
  isApart(agent: Agent): boolean;
  /** No more workers; healthy ones finish within a bound, then it is killed. */
  poison(cell: Cell): void;
  /** No more workers; those in it finish what they hold, then it goes. */
  retire(cell: Cell): void;
  /** A worker has left it. */
  left(cell: Cell): void;
  /** Closes cells that have been empty for long. */
  sweep(): void;
  /** Ends them all. */
  end(): Promise<void>;
}

export function createCells(needs: CellsNeeds, options: CellsOptions): Cells {
  const { time, log } = needs;
  const cells = new Set<Cell>();
  const apart = new Set<string>();
  const blamed = new Map<string, { version: string; times: number }>();

  function open(owner: string | null): Cell {
    const process = openCellProcess(
      {
        time,
        receive: (messages) => needs.receive(cell, messages),
        broken: (why) => needs.broken(cell, why),
        lost(how) {
          cells.delete(cell);
          const wasExpected = cell.closing;
          cell.closing = true;
          if (!wasExpected) log.warn(how.fault.message, { pid: cell.process.pid, outOfMemory: how.outOfMemory });
          needs.lost(cell, how, wasExpected);
        },
      },
      { cwd: options.emptyFolder, folder: options.folder },
    );
    const cell: Cell = {
      process,
      owner,
      workers: new Map(),
      gone: new Map(),
      closing: false,
      emptySince: time.monotonic(),
      rssBytes: null,
      quietMs: 0,
      history: createCellHistory(),
    };
    cells.add(cell);
    return cell;
  }

  function isApart({ name, version }: Agent): boolean {
    const record = blamed.get(name);
    return apart.has(name) || (record?.version === version.id && record.times >= TAKEN_DOWN);
  }

  function shared(): Cell[] {
    return [...cells].filter((cell) => cell.owner === null && !cell.closing);
  }

  function warmUp() {
    if (shared().length === 0) open(null);
  }

  return {
    all: () => cells,
    placeFor(agent, kind) {
      const owner = kind === 'own' ? agent : null;
      let best: Cell | undefined;
      for (const cell of cells) {
        if (cell.owner !== owner || cell.closing || cell.workers.size >= options.cellSize) continue;
        // The fullest one, so that the others can empty.
        if (!best || cell.workers.size > best.workers.size) best = cell;
      }
      return best ?? open(owner);
    },
    warmUp,
    blame(agent) {
      const record = blamed.get(agent.name);
      const times = record?.version === agent.version.id ? record.times + 1 : 1;
      blamed.set(agent.name, { version: agent.version.id, times });
      if (times === TAKEN_DOWN) log.warn(`${agent.name} took a cell down twice and gets one of its own`);
      return times === TAKEN_DOWN;
    },
    setApart: (agent) => void apart.add(agent),
    isApart,
    poison(cell) {
      if (cell.closing) return;
      cell.closing = true;
      for (const worker of cell.workers.values()) worker.drain();
      if (cell.workers.size === 0) return cell.process.kill();
      time.after(POISONED_MS, cell.process.kill);
    },
    retire(cell) {
      cell.closing = true;
      for (const worker of cell.workers.values()) worker.drain();
      if (cell.workers.size === 0) cell.process.kill();
      warmUp();
    },
    left(cell) {
      cell.emptySince = time.monotonic();
      if (cell.closing && cell.workers.size === 0) cell.process.kill();
    },
    sweep() {
      const now = time.monotonic();
      const warm = shared()[0];
      for (const cell of cells) {
        const keptMs = cell.owner === null ? EMPTY_MS : OWN_EMPTY_MS;
        if (cell.workers.size > 0 || cell === warm || now - cell.emptySince < keptMs) continue;
        cell.closing = true;
        void cell.process.end();
      }
    },
    async end() {
      await Promise.all(
        [...cells].map((cell) => {
          cell.closing = true;
          return cell.process.end();
        }),
      );
    },
  };
}
