import type { Time } from '../kernel/time.ts';

/** Timers with names: setting one again replaces it. */
interface NamedTimers<Name extends string> {
  set(name: Name, ms: number, call: () => void): void;
  isSet(name: Name): boolean;
  /** Ends all of them, for good. */
  close(): void;
}

export function createNamedTimers<Name extends string>(time: Time): NamedTimers<Name> {
  const cancels = new Map<Name, () => void>();
  let closed = false;
  return {
    set(name, ms, call) {
      cancels.get(name)?.();
      if (closed) return;
      const cancel = time.after(ms, () => {
        cancels.delete(name);
        call();
      });
      cancels.set(name, cancel);
    },
    isSet: (name) => cancels.has(name),
    close() {
      closed = true;
      for (const cancel of cancels.values()) cancel();
      cancels.clear();
    },
  };
}
