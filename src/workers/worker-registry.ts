import type { Agent } from '../jobs/agent.ts';
import type { Placement } from '../jobs/placement.ts';
import type { AttemptRef } from '../jobs/ports.ts';
import { type PlainFault, toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { LogLevel } from '../kernel/log.ts';
import type { Cell, FencedMessage } from './cell.ts';
import { type CellVerdict, verdictOn } from './cell-memory.ts';
import type { CellLoss } from './cell-process.ts';
import { type Cells, createCells } from './cells.ts';
import { workerFaults } from './faults.ts';
import { createKernelKills } from './kernel-kills.ts';
import { createLeftOvers } from './left-overs.ts';
import type { WorkersNeeds, WorkersOptions } from './ports.ts';
import type { Reports } from './reports.ts';
import { makeFolders, specOf } from './spec.ts';
import { killQuietCells, killStuckCells } from './stuck-cells.ts';
import type { Suspects } from './suspects.ts';
import type { CellFindings, MarkerPlace } from './wire.ts';
import { createHostWorker, type HostWorker } from './worker.ts';
import { MODELS_NOT_THERE, openModels, type WorkerModels } from './worker-models.ts';
import { createWorkerTelemetry } from './worker-telemetry.ts';

const STUCK = new Set(['TIMEOUT', 'SILENT']);

/** Workers of a cell that have ended and may have left lines on the way. */
const GONE_KEPT = 10;

interface WorkerRegistryNeeds
  extends Pick<
    WorkersNeeds,
    | 'time'
    | 'log'
    | 'answer'
    | 'secrets'
    | 'models'
    | 'lines'
    | 'gone'
    | 'leftOver'
    | 'readings'
    | 'measured'
    | 'children'
    | 'cellReplaced'
    | 'unfenced'
    | 'apart'
    | 'memoryKills'
  > {
  reports: Reports;
}

/** Listener of a worker: its pool. */
interface WorkerOwner {
  suspects: Suspects;
  took(durationMs: number): void;
  ready(worker: HostWorker): void;
  gone(worker: HostWorker, isFault: boolean): void;
}

/** All workers and the cells that they live in. */
interface WorkerRegistry {
  cells: Cells;
  start(agent: Agent, cell: Placement['cell'], owner: WorkerOwner): HostWorker;
  workers(): IterableIterator<HostWorker>;
  size(): number;
  /** Ends a worker in its host's book without asking it, and kills its cell. */
  killCellOf(worker: HostWorker): void;
  /** Kills cells that have said nothing for longer than their jobs may take; `tickMs` since the last call. */
  findStuck(tickMs: number): void;
  /** Default of an agent: info. */
  level(agent: string, level: LogLevel): void;
}

interface Place {
  cell: Cell;
  markerPlace: MarkerPlace | null;
  owner: WorkerOwner;
  models: WorkerModels;
}

function postLevel(places: ReadonlyMap<HostWorker, Place>, agent: string, level: LogLevel): void {
  for (const [worker, { cell }] of places)
    if (worker.agent.name === agent) cell.gate.post({ do: 'level', worker: worker.id, level });
}

export function createWorkerRegistry(needs: WorkerRegistryNeeds, options: Required<WorkersOptions>): WorkerRegistry {
  const { time, log, reports, unfenced } = needs;
  const { folder, bootMs } = options;
  const places = new Map<HostWorker, Place>();
  const levels = new Map<string, LogLevel>();
  const workerTelemetry = createWorkerTelemetry(needs);
  const leftOvers = createLeftOvers(needs);
  const broken = (cell: Cell, fault: PlainFault) => replacement.broken(cell, fault);
  const cells = createCells({ time, log, receive, broken, lost, ...given({ unfenced }) }, options);
  const replacement = createCellReplacement(needs, { cells, places });
  /** Agents whose jobs got stuck, with the version that did: of the next ones more is found out. */
  const suspects = new Map<string, string>();
  const kills = createKernelKills(time, needs.memoryKills ?? (() => 0));
  let lastId = 0;

  function start(agent: Agent, kind: Placement['cell'], owner: WorkerOwner): HostWorker {
    const rehearsal = options.rehearsal(agent.name);
    makeFolders(agent, rehearsal?.folder ?? folder);
    const id = ++lastId;
    const models = openModels(needs, `w${id}`, agent);
    const cell = cells.placeFor(agent, kind, rehearsal?.folder, models.port);
    const markerPlace = cell.process.place();
    const worker = createHostWorker(id, agent, {
      ...{ time, reports, post: cell.gate.post, answer: needs.answer },
      ...{ suspects: owner.suspects, took: owner.took, ready: owner.ready, gone },
      measured: (measures) => needs.measured?.(agent.name, measures),
    });
    cell.workers.set(worker.id, worker);
    places.set(worker, { cell, markerPlace, owner, models });
    const begin = (secrets: Record<string, string>) => {
      workerTelemetry.opened(worker, [...Object.values(secrets), ...(models.llm ? [models.llm.key] : [])]);
      const traced = suspects.get(agent.name) === agent.version.id;
      const terms = { folder, bootMs, level: levels.get(agent.name) ?? 'info', markerPlace, traced };
      worker.start(specOf(agent, { ...terms, secrets, llm: models.llm, rehearsal }));
    };
    const refuse = (error: unknown) => {
      worker.end(startFault(error), 0);
      reports.flush();
    };
    if (models.thrown !== undefined) queueMicrotask(() => refuse(models.thrown));
    else if (agent.needs.secrets.length === 0) begin({});
    else needs.secrets(agent).then(begin).catch(refuse);
    return worker;
  }

  function gone(worker: HostWorker, because: PlainFault | null, failed: AttemptRef[], found: CellFindings | null) {
    const job = failed.at(-1) ?? null;
    const place = places.get(worker)!;
    places.delete(worker);
    place.models.llm?.close();
    place.cell.workers.delete(worker.id);
    rememberGone(place.cell, worker);
    cells.left(place.cell);
    const evidence = workerTelemetry.closed(worker, job, found);
    place.owner.gone(worker, because !== null);
    if (!because || because.code === 'HOST_STOPPED') return;
    if (STUCK.has(because.code)) suspects.set(worker.agent.name, worker.agent.version.id);
    const { name, agent, startedAt } = worker;
    const uptimeMs = Math.round(time.monotonic() - startedAt);
    const { fingerprint, version } = agent;
    needs.gone({
      ...{ worker: name, agent: agent.name, version: version.id, fingerprint },
      ...{ because, uptimeMs, job, failed, evidence },
    });
  }

  function receive(cell: Cell, messages: FencedMessage[]) {
    cell.quietMs = 0;
    for (const message of messages) {
      if (message.say === 'lines') {
        cell.gate.post({ do: 'heard', batches: 1 });
        for (const { worker, lines } of message.parts) {
          // The last messages of a worker may arrive after the report of its end.
          const known = (cell.workers.get(worker) ?? cell.gone.get(worker))?.lines(lines) ?? [];
          workerTelemetry.lines(known);
          needs.lines(known);
        }
      } else if (message.say === 'readings') {
        replacement.apply(cell, workerTelemetry.read(cell, message));
      } else {
        const worker = cell.workers.get(message.worker);
        if (message.say === 'unstoppable') replacement.unstoppable(cell, worker?.agent);
        if (message.say === 'left-over' && worker) leftOvers.received(worker, message);
        // Before its job comes back: the next attempt goes to a clean cell.
        if (message.say === 'ended' && worker) replacement.apply(cell, verdictOn(worker.agent.name, message.end));
        worker?.receive(message);
      }
    }
    reports.flush();
  }

  function lost(cell: Cell, how: CellLoss, wasExpected: boolean) {
    const members = [...cell.workers.values()];
    const begun = members.map((worker) => cell.process.lastBegun(places.get(worker)!.markerPlace));
    const busy = members.filter((worker, index) => worker.holdsBegun(begun[index]));
    const fault = faultOfBusy(busy, how);
    // A worker that held more than it may was a cause of what the kernel did; the others were in its way.
    const isOfMachine = !how.outOfMemory && how.isForeignKill && kills.hasKilled();
    const ofMachine = isOfMachine ? workerFaults.killedForMemory(cell.process.pid) : undefined;
    const guilty = busy.filter((worker) => !ofMachine || isOverLimit(worker));
    if (!wasExpected) for (const agent of new Set(guilty.map((worker) => worker.agent))) replacement.blame(agent);
    for (const [index, worker] of members.entries()) {
      const ofBusy = guilty.includes(worker) ? fault : ofMachine!;
      worker.end(busy.includes(worker) ? ofBusy : (ofMachine ?? how.fault), begun[index]);
    }
    reports.flush();
  }

  return {
    cells,
    start,
    workers: () => places.keys(),
    size: () => places.size,
    killCellOf: (worker) => places.get(worker)?.cell.process.kill(),
    findStuck(tickMs) {
      kills.sample();
      killQuietCells(cells.all(), tickMs, log);
      killStuckCells(places, tickMs, { log, bootMs });
    },
    level(agent, level) {
      levels.set(agent, level);
      postLevel(places, agent, level);
    },
  };
}

/** Why a worker was not started. A secret or a model gateway that went just now is no fault of the job: it comes back untouched. */
function startFault(error: unknown): PlainFault {
  const fault = toPlainFault(error);
  const mayPass = fault.code.startsWith('SECRET_') || fault.code === MODELS_NOT_THERE;
  return mayPass ? fault : workerFaults.unfit(fault);
}

type ReplacementNeeds = Pick<WorkerRegistryNeeds, 'log' | 'cellReplaced' | 'apart'>;

/** Cells that must not go on as they are: says why, and kills, empties or replaces them. */
function createCellReplacement(
  { log, cellReplaced, apart }: ReplacementNeeds,
  { cells, places }: { cells: Cells; places: ReadonlyMap<HostWorker, Place> },
) {
  /** An agent that takes cells down moves, the second time, with all its workers to a new cell of its own. */
  function blame(agent: Agent) {
    if (!cells.blame(agent)) return;
    // Before its other workers go: those that take their place belong into the new cell.
    apart?.(agent.name);
    for (const [worker, { cell }] of places) {
      if (worker.agent.name === agent.name && cell.owner === null) worker.drain();
    }
  }

  return {
    blame,
    /** The cell sent what cannot be handled, and is killed. */
    broken(cell: Cell, { message, stack }: PlainFault) {
      const pid = cell.process.pid ?? 0;
      const agents = agentsIn(cell);
      log.error(`a cell is killed: ${message}`, { pid, agents, ...given({ stack }) });
      cellReplaced?.({ pid, agents, why: message, killed: true });
    },
    apply(cell: Cell, verdict: CellVerdict) {
      if (verdict.is === 'fine' || (verdict.is === 'recycle' && cell.closing)) return;
      const killed = verdict.is === 'kill';
      const pid = cell.process.pid ?? 0;
      const agents = agentsIn(cell);
      log.warn(`a cell is ${killed ? 'killed' : 'replaced'}: ${verdict.why}`, { pid, agents });
      cellReplaced?.({ pid, agents, why: verdict.why, killed });
      if (killed) cell.process.kill(verdict.why);
      else cells.retire(cell);
    },
    /** A thread of the agent cannot be stopped. */
    unstoppable(cell: Cell, agent: Agent | undefined) {
      log.warn(`a thread of ${agent?.name} cannot be stopped: its cell is emptied and killed`, {
        pid: cell.process.pid,
      });
      cells.killAfterGrace(cell);
      if (agent) blame(agent);
    },
  };
}

/** The fault of the workers that were at a job: one worker alone exceeded its memory; several hear what happened to the cell. */
function faultOfBusy(busy: readonly HostWorker[], { outOfMemory, fault }: CellLoss): PlainFault {
  const [only] = busy;
  return outOfMemory && only && busy.length === 1 ? workerFaults.cellOutOfMemory(only.agent.limits.memoryBytes) : fault;
}

/** By its last reading. */
function isOverLimit({ reading, agent }: HostWorker): boolean {
  return (reading?.heapBytes ?? 0) + (reading?.externalBytes ?? 0) > agent.limits.memoryBytes;
}

function agentsIn(cell: Cell): string[] {
  return [...new Set([...cell.workers.values()].map(({ agent }) => agent.name))];
}

function rememberGone(cell: Cell, worker: HostWorker) {
  cell.gone.set(worker.id, worker);
  if (cell.gone.size > GONE_KEPT) cell.gone.delete(cell.gone.keys().next().value!);
}
