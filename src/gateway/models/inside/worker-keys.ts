import { sha256 } from '../../../kernel/sha256.ts';
import type { GatewayWorker } from '../wire.ts';

/** The attempt that a key names. */
export interface Caller {
  worker: string;
  agent: string;
  job: string;
  attempt: number;
}

/** The workers that may ask, each by its key. */
interface WorkerKeys {
  add(workers: readonly GatewayWorker[]): void;
  remove(workers: readonly string[]): void;
  /** The caller of a request; undefined: the key is unknown. */
  callerOf(authorization: string | undefined): Caller | undefined;
}

/** `dk-<key of the worker>.<job>.<attempt>`. */
const KEY = /^Bearer dk-([0-9a-f]{32})\.([\w:-]{1,100})\.(\d{1,9})$/i;

export function createWorkerKeys(): WorkerKeys {
  const byHash = new Map<string, GatewayWorker>();
  return {
    add(workers) {
      for (const worker of workers) byHash.set(worker.hash, worker);
    },
    remove(workers) {
      const gone = new Set(workers);
      for (const [hash, { worker }] of byHash) if (gone.has(worker)) byHash.delete(hash);
    },
    callerOf(authorization = '') {
      const [, key, job, attempt] = KEY.exec(authorization) ?? [];
      const found = key === undefined ? undefined : byHash.get(hashOfKey(key));
      return found && { worker: found.worker, agent: found.agent, job: job!, attempt: Number(attempt) };
    },
  };
}

/** The hash by which the key of a worker is known. */
function hashOfKey(key: string): string {
  return sha256(key.toLowerCase());
}
