const MB = 1024 ** 2;

/** Cores and memory that the machine, or the container around the host, grants. */
interface Granted {
  cores: number;
  memoryBytes: number;
}

/** Threads that mostly wait share a core well; beyond this many their memory is better spent. */
const WORKERS_PER_CORE = 64;
/** The host with its web process, gateway and page cache; bench/README.md has its parts. */
const HOST_BYTES = 384 * MB;
/** A quarter of the usual limit of a worker: an idle one holds 10 MB, one with a cell of its own 20. */
const WORKER_BYTES = 32 * MB;
const LEAST = 4;

/** How many workers of all agents there may be at once where nobody says. */
export function mostWorkers({ cores, memoryBytes }: Granted): number {
  const byMemory = Math.floor((memoryBytes - HOST_BYTES) / WORKER_BYTES);
  return Math.max(LEAST, Math.min(cores * WORKERS_PER_CORE, byMemory));
}
