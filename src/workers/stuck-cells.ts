import type { Log } from '../kernel/log.ts';
import type { Cell } from './cell.ts';
import type { HostWorker } from './worker.ts';

/** The time that a job may take beyond its own deadlines before its whole cell is taken for stuck. */
const CELL_STUCK_MS = 5_000;
/** A cell with workers tells its readings every second, whatever its threads do. */
const CELL_QUIET_MS = 20_000;

/** Cells with workers tell their readings every second; `tickMs` since the last call. */
export function killQuietCells(cells: Iterable<Cell>, tickMs: number, log: Log) {
  for (const cell of cells) {
    cell.quietMs = cell.workers.size > 0 ? cell.quietMs + tickMs : 0;
    if (cell.quietMs <= CELL_QUIET_MS) continue;
    log.error(`a cell has said nothing for ${CELL_QUIET_MS / 1_000} s: killed`, { pid: cell.process.pid });
    cell.process.kill();
  }
}

/** Cells with a worker that has told nothing of its jobs for longer than their deadlines let it. */
export function killStuckCells(
  places: ReadonlyMap<HostWorker, { cell: Cell }>,
  tickMs: number,
  { log, bootMs }: { log: Log; bootMs: number },
) {
  for (const [worker, { cell }] of places) {
    const { timeoutMs, graceMs } = worker.agent.limits;
    const bound = timeoutMs + graceMs + CELL_STUCK_MS + (worker.state().is === 'starting' ? bootMs : 0);
    if (worker.waited(tickMs) <= bound) continue;
    log.error(`the cell of ${worker.name} (${worker.agent.name}) does not answer: killed`, { pid: cell.process.pid });
    cell.process.kill();
  }
}
