import { createDeadMan, type DeadMan } from '../../guardian/dead-man.ts';
import { type DeadManTerms, isTurning, type LoopAges } from '../../kernel/pulse.ts';
import type { Time } from '../../kernel/time.ts';

/** The pings of a host that no guardian judges: it pings the address outside for itself, while every loop of it turns. */
interface OwnPings {
  /** The terms of the settings; null: nobody is pinged. The answer says whether they are others: the same change nothing. */
  use(terms: DeadManTerms | null): boolean;
  /** A look at the host, about once a second. */
  look(host: { ages: LoopAges; isReady: boolean; hasGuardian: boolean }): void;
  /** Resolves when the pings that are under way have ended, within some seconds. */
  stop(): Promise<void>;
}

/** `say` takes a sentence for people: the address is not reached, or is again. */
export function createOwnPings({ time, say }: { time: Pick<Time, 'monotonic'>; say(text: string): void }): OwnPings {
  let terms: DeadManTerms | null = null;
  let deadMan: DeadMan | undefined;
  return {
    use(next) {
      if (isSame(terms, next)) return false;
      terms = next;
      deadMan?.begin(terms);
      return true;
    },
    look({ ages, isReady, hasGuardian }) {
      if (!terms || hasGuardian) return;
      if (!deadMan) {
        deadMan = createDeadMan({ time, say });
        deadMan.begin(terms);
      }
      const isWell = isReady && Object.entries(ages).every(([name, agoMs]) => isTurning(name, agoMs));
      deadMan.look(isWell, `pid ${process.pid}: every loop turns`);
    },
    stop: async () => deadMan?.stop(),
  };
}

function isSame(one: DeadManTerms | null, other: DeadManTerms | null): boolean {
  return one?.url === other?.url && one?.everyMs === other?.everyMs;
}
