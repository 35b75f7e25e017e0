/** Memory of a worker: heap, external memory and processes of its commands together. */
interface WorkerMemory {
  worker: string;
  bytes: number;
}

/** Knows by how much each worker has grown since its first reading. */
interface Growers {
  read(list: readonly WorkerMemory[]): void;
  /** Of these workers, the one that grew most; undefined: none grew. */
  most(among: readonly string[]): (WorkerMemory & { grewBytes: number }) | undefined;
  /** Forgets all other workers. */
  keep(workers: Iterable<string>): void;
}

export function createGrowers(): Growers {
  const seen = new Map<string, { first: number; now: number }>();
  return {
    read(list) {
      for (const { worker, bytes } of list) {
        const known = seen.get(worker);
        if (known) known.now = bytes;
        else seen.set(worker, { first: bytes, now: bytes });
      }
    },
    most(among) {
      const [grown] = among
        .flatMap((worker) => {
          const memory = seen.get(worker);
          return memory ? [{ worker, bytes: memory.now, grewBytes: memory.now - memory.first }] : [];
        })
        .filter(({ grewBytes }) => grewBytes > 0)
        .sort((a, b) => b.grewBytes - a.grewBytes);
      return grown;
    },
    keep(workers) {
      const kept = new Set(workers);
      for (const worker of seen.keys()) if (!kept.has(worker)) seen.delete(worker);
    },
  };
}
