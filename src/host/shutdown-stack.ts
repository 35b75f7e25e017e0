import { toPlainFault } from '../kernel/fault.ts';
import type { Service } from '../kernel/service.ts';

/** Services and resources that were started, to be ended in reverse order. */
export interface ShutdownStack {
  onStop(name: string, stop: () => Promise<void> | void): void;
  /** Resolves when the service works; from then on it is among the loops. */
  startService(name: string, service: Service): Promise<void>;
  /** Ends all of them. A failure to end is written to stderr and holds up no other service. */
  unwind(): Promise<void>;
}

export function createShutdownStack(loops: Map<string, Service>): ShutdownStack {
  /** Newest first. */
  const started: { name: string; stop(): Promise<void> | void }[] = [];

  function onStop(name: string, stop: () => Promise<void> | void) {
    started.unshift({ name, stop });
  }

  return {
    onStop,
    async startService(name, service) {
      onStop(name, () => {
        loops.delete(name);
        return service.stop();
      });
      await service.start();
      loops.set(name, service);
    },
    async unwind() {
      for (const { name, stop } of started.splice(0)) {
        try {
          await stop();
        } catch (error) {
          process.stderr.write(`stopping ${name} failed: ${toPlainFault(error).message}\n`);
        }
      }
    },
  };
}
