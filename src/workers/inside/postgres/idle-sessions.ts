import type { Time } from '../../../kernel/time.ts';
import type { Session } from './session.ts';

/** Sessions that no job has; each is closed when nobody has wanted it for some time, and forgotten when it ends. */
interface IdleSessions {
  put(session: Session): void;
  /** The one that was used last. */
  take(): Session | undefined;
  count(): number;
  /** Closes all; resolves when the server has ended them. */
  close(): Promise<void>;
  /** Says goodbye on all at once. */
  part(): void;
}

export function createIdleSessions(idleMs: number, time: Time, changed: () => void): IdleSessions {
  const waiting: { session: Session; stop(): void }[] = [];

  function take(): Session | undefined {
    const last = waiting.pop();
    last?.stop();
    return last?.session;
  }

  return {
    put(session) {
      const entry = { session, stop: time.after(idleMs, drop) };
      waiting.push(entry);
      void session.ended.then(drop);

      function drop() {
        const at = waiting.indexOf(entry);
        if (at < 0) return;
        waiting.splice(at, 1);
        entry.stop();
        changed();
        void session.leave();
      }
    },
    take,
    count: () => waiting.length,
    async close() {
      const all: Promise<void>[] = [];
      for (let session = take(); session; session = take()) all.push(session.leave());
      changed();
      await Promise.all(all);
    },
    part() {
      for (const { session } of waiting) session.part();
    },
  };
}
