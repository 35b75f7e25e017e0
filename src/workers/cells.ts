import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { landlockOffered } from '../fence/status.ts';
import type { FenceTerms } from '../fence/terms.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Placement } from '../jobs/placement.ts';
import { rightsOf } from '../jobs/rights.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { Log } from '../kernel/log.ts';
import type { Time } from '../kernel/time.ts';
import { type Cell, type CellNeeds, openCell } from './cell.ts';
import { keyOfTerms, ownTerms, readBy, servesCode, sharedTerms } from './permissions.ts';

/** An agent that took a cell down so often gets one of its own. */
const TAKEN_DOWN = 2;
/** Cells beyond the warm one go when they have been empty for so long. */
const EMPTY_MS = 30_000;
/** A cell of one agent goes sooner: its worker stayed for its own idle time before. */
const OWN_EMPTY_MS = 3_000;
/** The neighbours of a thread that cannot be stopped may finish within this time. */
const NEIGHBOURS_GRACE_MS = 2_500;

/** This many cells in a row that end right after their start are no accident. */
const FAILED_STARTS = 3;
/** A cell that lives so long has been started. */
const STARTED_AFTER_MS = 2_000;

interface CellsOptions {
  cellSize: number;
  emptyFolder: string;
  folder: string;
  /** Folders of compiled plugins and libraries that every shared cell may read, beside those of the installation. Default none. */
  codeFolders?: readonly string[];
  /** Default `best`. See {@link WorkersOptions}. */
  fence?: 'best' | 'required';
}

/** The cells: which worker goes into which, and when one is closed. */
export interface Cells {
  all(): Iterable<Cell>;
  /**
   * A cell of that kind with a place for a worker of the agent; a new cell when there is none. An own cell serves one set of
   * rights: where a change of the agent's file or version changes them, the workers that follow get another cell.
   * `folder`: where the agent's relative paths begin. `modelPort`: of the model gateway, for an agent that may ask it.
   */
  placeFor(agent: Agent, kind: Placement['cell'], folder?: string, modelPort?: number): Cell;
  /** Keeps one cell ready, so that a first job needs only a thread. */
  warmUp(): void;
  /** Whether there are agents with cells of their own: then a spare cell is kept for the next that is needed. */
  expectOwn(some: boolean): void;
  /** The agent took a cell down. True: from now on `isApart` holds. */
  blame(agent: Agent): boolean;
  /** From now on `isApart` holds for the agent. */
  setApart(agent: string): void;
  /** Whether the agent was set apart, or this version of it took a cell down {@link TAKEN_DOWN} times. */
  isApart(agent: Agent): boolean;
  /** Gives the cell no more workers; healthy workers may finish within {@link NEIGHBOURS_GRACE_MS}, then the cell is killed. */
  killAfterGrace(cell: Cell): void;
  /** Gives the cell no more workers; its workers finish their jobs, then the cell ends. */
  retire(cell: Cell): void;
  /** A worker has left it. */
  left(cell: Cell): void;
  /** Why the newest {@link FAILED_STARTS} cells ended before any was there for a moment; undefined: cells can be started. */
  startFault(): PlainFault | undefined;
  /** Closes cells that have been empty for long. */
  sweep(): void;
  /** Ends all cells. */
  end(): Promise<void>;
}

export function createCells(needs: CellNeeds, options: CellsOptions): Cells {
  const { time, log } = needs;
  const cells = new Set<Cell>();
  const blames = createBlames(log);
  const starts = createStarts(time);

  /** A spare cell is anybody's until it is shut in, so only Landlock can narrow it. */
  const canSpare = landlockOffered() > 0;
  let keepsSpare = false;
  let isLooking = false;

  function open(terms?: FenceTerms): Cell {
    const { emptyFolder, folder } = options;
    const cell = openCell(
      {
        ...needs,
        lost(cell, how, wasExpected) {
          cells.delete(cell);
          if (!wasExpected) starts.lost(cell, how.fault);
          needs.lost(cell, how, wasExpected);
        },
      },
      { cwd: emptyFolder, folder, read: canSpare ? undefined : readBy(terms) },
    );
    cells.add(cell);
    starts.opened(cell);
    return cell;
  }

  function spare(): Cell | undefined {
    return [...cells].find((cell) => cell.terms === null && !cell.closing);
  }

  function assign(terms: FenceTerms, agent?: Agent): Cell {
    const cell = spare() ?? open(terms);
    Object.assign(cell, { owner: agent?.name ?? null, terms, emptySince: time.monotonic() });
    cell.mustBeFull = options.fence === 'required' && agent !== undefined && rightsOf(agent).length > 0;
    if (agent) cell.named = namedNow(terms);
    cell.gate.shut(terms, agent?.class === 'critical');
    return cell;
  }

  function retire(cell: Cell) {
    cell.closing = true;
    for (const worker of cell.workers.values()) worker.drain();
    if (cell.workers.size === 0) cell.process.kill();
    warmUp();
  }

  /** A cell that holds on to what was replaced lets its jobs end and is replaced, too. */
  async function retireOutdated() {
    isLooking = true;
    for (const cell of cells) {
      if (cell.owner === null || cell.closing || !cell.terms) continue;
      const isOutdated = (await namedLater(cell.terms)) !== cell.named;
      if (isOutdated && !cell.closing) retire(cell);
    }
    isLooking = false;
  }

  const termsOfShared = (agent?: Agent) => sharedTerms(agent, options.folder, options.codeFolders ?? []);

  function shared(): Cell[] {
    return [...cells].filter((cell) => cell.owner === null && cell.terms !== null && !cell.closing);
  }

  function warmUp() {
    if (spare() || (!keepsSpare && shared().length > 0)) return;
    if (canSpare) open();
    else if (shared().length === 0) assign(termsOfShared());
  }

  return {
    all: () => cells,
    placeFor(agent, kind, folder = options.folder, modelPort) {
      const owner = kind === 'own' ? agent.name : null;
      const terms = kind === 'own' ? ownTerms(agent, folder, modelPort) : termsOfShared(agent);
      const key = keyOfTerms(terms);
      let best: Cell | undefined;
      for (const cell of cells) {
        if (!cell.terms || cell.owner !== owner || cell.closing || cell.workers.size >= options.cellSize) continue;
        if (owner === null ? !servesCode(cell.terms, agent) : keyOfTerms(cell.terms) !== key) continue;
        // The fullest one, so that the others can empty.
        if (!best || cell.workers.size > best.workers.size) best = cell;
      }
      return best ?? assign(terms, owner === null ? undefined : agent);
    },
    warmUp,
    expectOwn(some) {
      keepsSpare = some && canSpare;
    },
    ...blames,
    startFault: starts.fault,
    killAfterGrace(cell) {
      if (cell.closing) return;
      cell.closing = true;
      for (const worker of cell.workers.values()) worker.drain();
      if (cell.workers.size === 0) return cell.process.kill();
      time.after(NEIGHBOURS_GRACE_MS, cell.process.kill);
    },
    retire,
    left(cell) {
      cell.emptySince = time.monotonic();
      if (cell.closing && cell.workers.size === 0) cell.process.kill();
    },
    sweep() {
      const now = time.monotonic();
      warmUp();
      starts.look(cells);
      if (!isLooking) void retireOutdated();
      const warm = spare() ?? shared()[0];
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

/** Sees that cells cannot be started. */
function createStarts(time: Time) {
  const openedAt = new WeakMap<Cell, number>();
  let failed = 0;
  let newest: PlainFault | undefined;
  const isStarted = (cell: Cell) => time.monotonic() - openedAt.get(cell)! >= STARTED_AFTER_MS;

  return {
    opened: (cell: Cell) => void openedAt.set(cell, time.monotonic()),
    lost(cell: Cell, fault: PlainFault) {
      // A cell with a report has begun to work: its end is its agent's.
      if (isStarted(cell) || cell.gate.report()) return;
      failed += 1;
      newest = fault;
    },
    look(cells: Iterable<Cell>) {
      for (const cell of cells) if (isStarted(cell)) failed = 0;
    },
    fault: () => (failed >= FAILED_STARTS ? newest : undefined),
  };
}

/** Which agents are set apart because of what they did to a cell. */
function createBlames(log: Log): Pick<Cells, 'blame' | 'setApart' | 'isApart'> {
  const apart = new Set<string>();
  const blamed = new Map<string, { version: string; times: number }>();

  return {
    blame(agent) {
      const record = blamed.get(agent.name);
      const times = record?.version === agent.version.id ? record.times + 1 : 1;
      blamed.set(agent.name, { version: agent.version.id, times });
      if (times === TAKEN_DOWN) log.warn(`${agent.name} took a cell down twice and gets one of its own`);
      return times === TAKEN_DOWN;
    },
    setApart: (agent) => void apart.add(agent),
    isApart({ name, version }) {
      const record = blamed.get(name);
      return apart.has(name) || (record?.version === version.id && record.times >= TAKEN_DOWN);
    },
  };
}

/**
 * The files and folders to which the paths of a cell's terms lead. The kernel's fences hold on to files and folders,
 * Node's flags to their names: a file that was replaced, or that came later, is outside until a new cell is opened.
 */
function namedNow(terms: FenceTerms): string {
  return pathsOf(terms)
    .map((path) => identityOf(statOf(path)))
    .join(' ');
}

/** Like {@link namedNow}, but does not block on the disk. */
async function namedLater(terms: FenceTerms): Promise<string> {
  const found = pathsOf(terms).map((path) => stat(path).catch(() => undefined));
  return (await Promise.all(found)).map(identityOf).join(' ');
}

function statOf(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

const pathsOf = ({ read, write }: FenceTerms) => [...read, ...write];

const identityOf = (stats: { dev: number; ino: number } | undefined) => (stats ? `${stats.dev}:${stats.ino}` : '-');
