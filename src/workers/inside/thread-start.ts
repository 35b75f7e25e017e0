import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads';
import { given } from '../../kernel/given.ts';
import { MB } from '../../kernel/measures.ts';
import { entryFile } from '../../kernel/paths.ts';
import { MARKERS_FD } from '../cell-messages.ts';
import type { WorkerSpec } from '../wire.ts';
import type { ThreadData } from './boot.ts';
import type { Shared } from './shared.ts';

const BOOT = fileURLToPath(entryFile('workers/inside/boot.js'));
const NEVER_SAMPLES = { sampleInterval: 2_000_000, maxBufferSize: 1 };

/** Starts the thread of a worker, and opens the channel to it. Throws when the machine has no thread or memory for it. */
export function startWorker(name: string, spec: WorkerSpec, shared: Shared): { worker: Worker; port: MessagePort } {
  // Not the port that Node gives a thread: that one cannot be closed from here when it is flooded.
  const { port1, port2 } = new MessageChannel();
  try {
    const worker = new Worker(BOOT, {
      name,
      workerData: dataOf(spec, shared, port2),
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

/** Data that the thread is started with. */
function dataOf(spec: WorkerSpec, { memory, places }: Shared, port: MessagePort): ThreadData {
  const { agent, file, folder, settings, secrets, net, modules, fleet, llm, rehearsal } = spec;
  const startedMarkers = spec.markerPlace && { fd: MARKERS_FD, ...spec.markerPlace };
  return {
    memory,
    concurrency: places,
    port,
    agent,
    file,
    folder,
    timeoutMs: spec.limits.timeoutMs,
    settings,
    secrets,
    net,
    modules,
    fleet,
    llm,
    startedMarkers,
    ...given({ rehearsal }),
  };
}

/** The last line of defence only: V8's limit kills the whole cell when one allocation runs far past it, so it is set high above the limit that is watched. */
function resourceLimitsOf(memoryBytes: number): ResourceLimits {
  const soft = Math.ceil(memoryBytes / MB);
  return { maxOldGenerationSizeMb: Math.max(soft * 4, soft + 512), maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };
}
