import type { MessagePort, ResourceLimits } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { workerFaults } from '../faults.ts';
import type { Thrown, WorkerSpec } from '../wire.ts';
import type { ThreadData } from './boot.ts';

/** The cell's number for the file that its host opened. */
const LEDGER_FD = 4;

/** How far a thread is, as its cell sees it. */
export type ThreadIs = 'starting' | 'ready' | 'closing' | 'killing' | 'over';

/** Why a worker ended; null when it was told to. */
export function endOf(is: ThreadIs, fault: PlainFault | undefined, wasReady: boolean, code: number): PlainFault | null {
  if (is === 'closing' && !fault) return null;
  if (fault) return wasReady || is === 'killing' ? fault : workerFaults.unfit(fault);
  const ended = workerFaults.crashed(`its thread ended by itself with code ${code}`);
  return wasReady ? ended : workerFaults.unfit(ended);
}

/** What ended a thread: a crash, unless it is a fault of the programmer or the set-up, which no other attempt can help. */
export function crashOf(thrown: Thrown): Thrown {
  return thrown.isFinal ? thrown : { ...thrown, code: 'CRASHED' };
}

/** What the thread is started with. */
export function dataOf(spec: WorkerSpec, memory: SharedArrayBuffer, port: MessagePort): ThreadData {
  const { agent, file, folder, settings, secrets, net, modules, fleet, rehearsal } = spec;
  const startedMarkers = spec.startedMarkerAt === null ? null : { fd: LEDGER_FD, at: spec.startedMarkerAt };
  return {
    memory,
    port,
    agent,
    file,
    folder,
    settings,
    secrets,
    net,
    modules,
    fleet,
    startedMarkers,
    ...(rehearsal ? { rehearsal } : {}),
  };
}

/** The last line of defence only: V8's limit kills the whole cell when one allocation runs far past it, so it is set high above the limit that is watched. */
export function resourceLimitsOf(memoryBytes: number): ResourceLimits {
  const soft = Math.ceil(memoryBytes / MB);
  return { maxOldGenerationSizeMb: Math.max(soft * 4, soft + 512), maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
}
