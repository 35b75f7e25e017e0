import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads';
import type { PlainFault } from '../../kernel/fault.ts';
import { MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import { MARKERS_FD } from '../cell-messages.ts';
import { workerFaults } from '../faults.ts';
import type { Thrown, WorkerSpec } from '../wire.ts';
import type { ThreadData } from './boot.ts';
import type { Shared } from './shared.ts';

const BOOT = fileURLToPath(entryFile('workers/inside/boot.js'));
const NEVER_SAMPLES = { sampleInterval: 2_000_000, maxBufferSize: 1 };

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

/** Starts the thread of a worker, and opens the channel to it. Throws when the machine has no thread or memory for it. */
export function startWorker(name: string, spec: WorkerSpec, shared: Shared): { worker: Worker; port: MessagePort } {
  // Not the port that Node gives a thread: that one cannot be closed from here when it is flooded.
  const { port1, port2 } = new MessageChannel();
  try {
    const worker = new Worker(BOOT, {
      name,
      workerData: dataOf(spec, shared.memory, port2),
      transferList: [port2],
      env: spec.env,
      execArgv: spec.execArgv,
      resourceLimits: resourceLimitsOf(spec.limits.memoryBytes),
      stdout: true,
      stderr: true,
    });
    // A profile that never samples: what V8 compiles from now on is known to the one that does.
    if (spec.traced) worker.once('online', () => void worker.startCpuProfile(NEVER_SAMPLES).catch(() => {}));
    return { worker, port: port1 };
  } catch (error) {
    port1.close();
    throw error;
  }
}

/** What the thread is started with. */
function dataOf(spec: WorkerSpec, memory: SharedArrayBuffer, port: MessagePort): ThreadData {
  const { agent, file, folder, settings, secrets, net, modules, fleet, rehearsal } = spec;
  const startedMarkers = spec.markerPlace && { fd: MARKERS_FD, ...spec.markerPlace };
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
function resourceLimitsOf(memoryBytes: number): ResourceLimits {
  const soft = Math.ceil(memoryBytes / MB);
  return { maxOldGenerationSizeMb: Math.max(soft * 4, soft + 512), maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
}
