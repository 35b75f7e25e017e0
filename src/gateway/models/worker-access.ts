import { randomBytes } from 'node:crypto';
import { sha256 } from '../../kernel/sha256.ts';
import type { GatewayWorker } from './wire.ts';

/** Keys of workers. The gateway knows them by their hashes. */
interface WorkerAccess {
  /** A new key for a worker; any key of before is good no more. */
  mint(worker: string, agent: string): { key: string; worker: GatewayWorker };
  agentOf(worker: string): string | undefined;
  /** Every worker whose key is good. */
  all(): GatewayWorker[];
  remove(worker: string): void;
}

export function createWorkerAccess(): WorkerAccess {
  const workers = new Map<string, GatewayWorker>();
  return {
    mint(name, agent) {
      const key = randomBytes(16).toString('hex');
      const worker = { hash: sha256(key), worker: name, agent };
      workers.set(name, worker);
      return { key, worker };
    },
    agentOf: (worker) => workers.get(worker)?.agent,
    all: () => [...workers.values()],
    remove: (worker) => void workers.delete(worker),
  };
}
