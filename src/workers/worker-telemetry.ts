import type { AttemptRef } from '../jobs/ports.ts';
import type { PluginLine } from '../kernel/log.ts';
import { mostFiles } from '../kernel/proc.ts';
import { createScrubber } from '../kernel/scrub.ts';
import type { Cell } from './cell.ts';
import { type CellVerdict, unaccountedOf } from './cell-memory.ts';
import type { Evidence, OwnedProcess, WorkerReading, WorkersNeeds } from './ports.ts';
import type { CellFindings, FromCell, Reading } from './wire.ts';
import type { HostWorker } from './worker.ts';

/** All of the evidence as JSON, at most. */
const MOST_BYTES = 16 * 1024;
const LINES_KEPT = 20;
const LONGEST_LINE = 400;
const CHILDREN_SHOWN = 20;

interface EvidenceParts {
  /** Findings of the cell; null when it could not tell any more. */
  found: CellFindings | null;
  /** The last look before that. */
  reading: Reading | undefined;
  limitBytes: number;
  childrenBytes: number;
  children: readonly OwnedProcess[];
  /** The newest lines, oldest first. */
  lines: readonly PluginLine[];
  /** Values that must not be in it. */
  secrets: readonly string[];
  /** Epoch ms. */
  now: number;
}

/** The evidence of a worker's end, from the cell and from the host; at most 16 KB of JSON, and no secret in it. */
function workerEvidence(parts: EvidenceParts): Evidence {
  const { reading, children, lines } = parts;
  const evidence: Evidence = { ...(parts.found ?? fromReading(parts)) };
  const beat = evidence.lastBeat ?? reading?.running[0]?.lastBeat;
  if (beat) evidence.lastBeat = beat;
  if (children.length > 0) {
    evidence.children = children
      .toSorted((a, b) => b.rssBytes - a.rssBytes)
      .slice(0, CHILDREN_SHOWN)
      .map(({ pid, command, rssBytes }) => ({ pid, command, rssBytes }));
  }
  if (lines.length > 0) {
    evidence.lines = lines.slice(-LINES_KEPT).map(({ at, level, message }) => ({ at, level, message: cut(message) }));
  }
  return fitted(createScrubber(parts.secrets).answer(evidence));
}

/** A cell that died sends no findings: its last reading takes their place. */
function fromReading({ reading, limitBytes, childrenBytes, now }: EvidenceParts): CellFindings {
  const found: CellFindings = { at: now, tookMs: 0 };
  if (!reading || reading.heapBytes === null || reading.externalBytes === null) return found;
  const { heapBytes, externalBytes } = reading;
  return { ...found, memory: { heapBytes, externalBytes, childrenBytes, limitBytes, perMinuteBytes: null } };
}

/** The oldest job of the worker, and the last sign of progress of any of them. */
function progressOf(worker: HostWorker): Pick<WorkerReading, 'job' | 'lastBeat' | 'quietMs'> {
  const jobs = worker.jobsNow();
  const running = worker.reading?.running ?? [];
  const quietMs = running.length > 0 ? Math.min(...running.map((one) => one.quietMs)) : null;
  return { job: jobs[0]?.job ?? null, lastBeat: jobs[0]?.lastBeat ?? null, quietMs };
}

/** Lines go first, oldest first: they are in the log as well. */
function fitted(evidence: Evidence): Evidence {
  const left = { ...evidence };
  while (Buffer.byteLength(JSON.stringify(left)) > MOST_BYTES && left.lines && left.lines.length > 0) {
    left.lines = left.lines.slice(1);
  }
  return left;
}

function cut(text: string): string {
  return text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text;
}

/** Notes of the host on each worker beside its state: the latest readings, lines and processes, for readings and for evidence. */
interface WorkerTelemetry {
  opened(worker: HostWorker, secrets: readonly string[]): void;
  /** A cell tells its readings; returns what they mean for the cell itself. */
  read(cell: Cell, message: Extract<FromCell, { say: 'readings' }>): CellVerdict;
  lines(list: readonly PluginLine[]): void;
  /** The worker has come to its end. */
  closed(worker: HostWorker, job: AttemptRef | null, found: CellFindings | null): Evidence;
}

interface Notes {
  secrets: readonly string[];
  lines: PluginLine[];
  childrenBytes: number;
}

export function createWorkerTelemetry(needs: Pick<WorkersNeeds, 'time' | 'readings' | 'children'>): WorkerTelemetry {
  const { time } = needs;
  const notes = new Map<string, Notes>();
  const mostFds = mostFiles();

  function processesOf(worker: HostWorker, holds: (ref: AttemptRef) => boolean): OwnedProcess[] {
    // No worker may start a process itself.
    if (!needs.children || worker.agent.needs.exec.length === 0) return [];
    return needs.children(worker.agent.name).filter(holds);
  }

  /** The cell counts them with the worker's own memory at its next measurement. */
  function countChildren(cell: Cell, worker: HostWorker): number {
    const bytes = processesOf(worker, worker.holds).reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    const note = notes.get(worker.name);
    if (note && note.childrenBytes !== bytes) {
      note.childrenBytes = bytes;
      cell.process.post({ do: 'children', worker: worker.id, bytes });
    }
    return bytes;
  }

  return {
    opened(worker, secrets) {
      notes.set(worker.name, { secrets, lines: [], childrenBytes: 0 });
    },
    read(cell, { rssBytes, fds, workers }) {
      const at = time.monotonic();
      const list: WorkerReading[] = [];
      const pid = cell.process.pid ?? 0;
      let accountedBytes = 0;
      for (const reading of workers) {
        const worker = cell.workers.get(reading.worker);
        if (!worker) continue;
        worker.reading = reading;
        const childrenBytes = countChildren(cell, worker);
        const { heapBytes, externalBytes, cpu, loop, answers } = reading;
        if (heapBytes === null || externalBytes === null) continue;
        accountedBytes += heapBytes + externalBytes;
        const { name, agent } = worker;
        const { fingerprint, version } = agent;
        const who = { worker: name, agent: agent.name, version: version.id, fingerprint, cell: pid, at };
        const limitBytes = agent.limits.memoryBytes;
        const memory = { heapBytes, externalBytes, childrenBytes, limitBytes };
        list.push({ ...who, ...memory, cpu, loop, answers, ...progressOf(worker) });
      }
      cell.rssBytes = rssBytes;
      const look = { at, rssBytes, workers: cell.workers.size, accountedBytes, fds, mostFds };
      const unaccountedBytes = unaccountedOf(look);
      needs.readings?.(list, { pid, at, workers: look.workers, rssBytes, unaccountedBytes, fds });
      return cell.history.add(look);
    },
    lines(list) {
      for (const line of list) {
        const kept = notes.get(line.worker)?.lines;
        if (kept && kept.push(line) > 2 * LINES_KEPT) kept.splice(0, LINES_KEPT);
      }
    },
    closed(worker, job, found) {
      const { lines, secrets, childrenBytes } = notes.get(worker.name) ?? { lines: [], secrets: [], childrenBytes: 0 };
      notes.delete(worker.name);
      const isCurrent = (ref: AttemptRef) => ref.job === job?.job && ref.attempt === job.attempt;
      const children = job ? processesOf(worker, isCurrent) : [];
      const limitBytes = worker.agent.limits.memoryBytes;
      const { reading } = worker;
      return workerEvidence({ found, reading, limitBytes, childrenBytes, children, lines, secrets, now: time.now() });
    },
  };
}
