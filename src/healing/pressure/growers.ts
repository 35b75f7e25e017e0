/** Memory of a worker: heap, external memory and processes of its commands together. */
interface WorkerMemory {
  worker: string;
  bytes: number;
}

/** Knows by how much each worker has grown since its first reading. */
interface Growers {
  /** `at`: monotonic ms. */
  read(list: readonly WorkerMemory[], at: number): void;
  /** Of these workers, the one that grew most; undefined: none grew. */
  most(among: readonly string[]): (WorkerMemory & { grewBytes: number }) | undefined;
}

/** A worker that was not read for so long has gone: readings come each second. */
const FORGOTTEN_MS = 60_000;

export function createGrowers(): Growers {
  const seen = new Map<string, { first: number; now: number; at: number }>();
  let forgotAt = Number.NEGATIVE_INFINITY;

  function forget(now: number) {
    if (now - forgotAt < FORGOTTEN_MS) return;
    forgotAt = now;
    for (const [worker, { at }] of seen) if (now - at >= FORGOTTEN_MS) seen.delete(worker);
  }

  return {
    read(list, at) {
      forget(at);
      for (const { worker, bytes } of list)
        seen.set(worker, { first: seen.get(worker)?.first ?? bytes, now: bytes, at });
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
  };
}
