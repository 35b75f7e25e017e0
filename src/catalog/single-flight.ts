/** Looks one after the other, never two at once: what is asked for meanwhile is one more look. */
interface SingleFlight {
  /** Resolves after a look that began after the call. `full` looks at everything. Never rejects. */
  ask(full: boolean): Promise<void>;
  /** A look is asked for that has not begun. */
  pending(): boolean;
  /** No look begins any more; resolves when none is going on. */
  close(): Promise<void>;
}

export function createSingleFlight(
  look: (full: boolean) => Promise<void>,
  failed: (error: unknown) => void,
): SingleFlight {
  let wanted: { full: boolean } | undefined;
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  return {
    ask(full) {
      wanted = { full: full || (wanted?.full ?? false) };
      last = last.then(async () => {
        if (!wanted || closed) return;
        const { full: isFull } = wanted;
        wanted = undefined;
        await look(isFull).catch(failed);
      });
      return last;
    },
    pending: () => wanted !== undefined,
    close() {
      closed = true;
      return last;
    },
  };
}
