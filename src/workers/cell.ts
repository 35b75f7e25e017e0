import { readdirSync, readFileSync } from 'node:fs';
import { type FenceReport, type FenceTerms, openTrials } from '../fence/terms.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { type CellHistory, createCellHistory } from './cell-memory.ts';
import { type CellLoss, type CellProcess, type CellProcessOptions, openCellProcess } from './cell-process.ts';
import { workerFaults } from './faults.ts';
import type { FromCell, ToCell } from './wire.ts';
import type { HostWorker } from './worker.ts';

export interface Cell {
  readonly process: CellProcess;
  /** Messages of the host to the cell go through the gate: nothing but the terms before the fences are up. */
  readonly gate: FenceGate;
  /** The only agent in it; null for a shared cell and for a spare one. */
  owner: string | null;
  /** The rights of the cell; null: the cell is spare, and puts up its fences when an agent needs it. */
  terms: FenceTerms | null;
  /** Of an own cell: what the paths of its terms stood for when it was shut in. */
  named: string;
  readonly workers: Map<number, HostWorker>;
  /** The latest that have ended. */
  readonly gone: Map<number, HostWorker>;
  /** A thread in it cannot be stopped, or it is being closed: it takes no more workers. */
  closing: boolean;
  emptySince: number;
  rssBytes: number | null;
  /** For how long the cell has said nothing. */
  quietMs: number;
  readonly history: CellHistory;
  /** Whether every layer has to be there: an agent with rights, and `fence: required`. */
  mustBeFull: boolean;
}

export interface CellNeeds {
  time: Time;
  log: Log;
  receive(cell: Cell, messages: FencedMessage[]): void;
  /** Called with the report of the cell on its fences, whether or not they will do. */
  found?(report: FenceReport): void;
  /** No cell can be shut in as it has to be: agents with rights cannot run. */
  unfenced?(fault: PlainFault): void;
  /** The cell sent a message that cannot be handled, and is killed. */
  broken(cell: Cell, why: PlainFault): void;
  /** The process of the cell has ended; its workers are still in it. */
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
    check(report, difference) {
      needs.found?.(report);
      return unfencedFault(report, difference, cell.mustBeFull);
    },
    failed(fault) {
      log.error(`a cell is killed: ${fault.message}`, { pid: process.pid });
      needs.unfenced?.(fault);
      process.kill(fault.message);
    },
  });
  const cell = spareCell(process, gate, time.monotonic());
  return cell;
}

function spareCell(process: CellProcess, gate: FenceGate, now: number): Cell {
  return {
    process,
    gate,
    owner: null,
    terms: null,
    named: '',
    workers: new Map(),
    gone: new Map(),
    closing: false,
    emptySince: now,
    rssBytes: null,
    quietMs: 0,
    history: createCellHistory(),
    mustBeFull: false,
  };
}

/** The fault of a cell whose fences do not let it run anything; undefined: the cell may run. */
function unfencedFault(
  report: FenceReport,
  difference: string | undefined,
  mustBeFull: boolean,
): PlainFault | undefined {
  const open = openTrials(report.tried);
  if (open.length > 0) return workerFaults.unfenced(`not refused: ${open.join(', ')}`);
  if (difference !== undefined) return workerFaults.unfenced(difference);
  return mustBeFull && report.fence !== 'full' ? workerFaults.fenceMissing(report.missing) : undefined;
}

/** Messages of a cell about its workers, once its fences are up. */
export type FencedMessage = Exclude<FromCell, { say: 'fenced' }>;

interface FenceGateNeeds {
  pid(): number | undefined;
  post(message: ToCell): void;
  receive(messages: FencedMessage[]): void;
  /** The fault of a cell that may run nothing, from its report and from what the kernel says otherwise; undefined: the cell may run. */
  check(report: FenceReport, difference: string | undefined): PlainFault | undefined;
  /** The process has to be ended. */
  failed(fault: PlainFault): void;
}

/** Stands between host and cell: nothing but the terms goes in before the cell has shut itself in by them. */
interface FenceGate {
  /** The report of the cell; undefined until its fences are up. */
  report(): FenceReport | undefined;
  /** Orders the cell to shut itself in. Once. `isCritical`: of a critical agent alone; default false. */
  shut(terms: FenceTerms, isCritical?: boolean): void;
  post(message: ToCell): void;
  receive(messages: FromCell[]): void;
}

export function createFenceGate(needs: FenceGateNeeds): FenceGate {
  let report: FenceReport | undefined;
  const waiting: ToCell[] = [];

  function decide(said: FenceReport) {
    if (report) return;
    const fault = needs.check(said, fenceDifference(needs.pid() ?? 0, said));
    if (fault) return needs.failed(fault);
    report = said;
    for (const message of waiting.splice(0)) needs.post(message);
  }

  return {
    report: () => report,
    shut: (terms, isCritical = false) => needs.post({ do: 'fence', terms, isCritical }),
    post(message) {
      if (report || message.do === 'end') needs.post(message);
      else waiting.push(message);
    },
    receive(messages) {
      for (const message of messages) if (message.say === 'fenced') decide(message.report);
      const rest = messages.filter((message) => message.say !== 'fenced');
      if (rest.length > 0) needs.receive(rest);
    },
  };
}

/**
 * Compares the fences that a process reports with what the kernel says of each of its threads; returns the difference in words,
 * undefined without one, and undefined where this process may not look. The fenced process cannot forge the kernel's words.
 */
function fenceDifference(pid: number, report: Pick<FenceReport, 'landlock' | 'seccomp'>): string | undefined {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return undefined;
  }
  for (const thread of threads) {
    const text = statusOf(`/proc/${pid}/task/${thread}/status`);
    const [newRights, filter] = [/^NoNewPrivs:\s+(\d)/m, /^Seccomp:\s+(\d)/m].map((line) => line.exec(text)?.[1]);
    // Only the filter takes all threads along; without it the other threads stay as they were.
    if (report.seccomp && newRights === '0') return `thread ${thread} may gain rights`;
    if (report.seccomp && filter !== undefined && filter !== '2')
      return `thread ${thread} has no filter of system calls`;
  }
  return undefined;
}

/** The kernel's words about a thread; empty for a thread that has just ended. */
function statusOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
