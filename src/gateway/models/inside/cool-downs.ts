import type { Time } from '../../../kernel/time.ts';
import { holdOf, holdsAfter, type RungHolds } from '../chain/walk.ts';
import type { RungVerdict, SkippedRung } from '../ports.ts';
import type { FromGateway } from '../wire.ts';

type StateMessage = Extract<FromGateway, { say: 'state' }>;

/** Pauses of rungs and of single models, which their providers have asked for or earned. */
export interface CoolDowns {
  holds(): RungHolds;
  /** Takes a verdict: a pause begins, or a good answer ends one. */
  apply(rung: string, model: string, verdict: RungVerdict): void;
  /** The reason why a model of a rung is not asked now; undefined: it may be. */
  pauseOf(rung: string, model: string): SkippedRung | undefined;
  /** The rung's key has changed: a model that was closed may be open. */
  forget(rung: string): void;
}

export function createCoolDowns(time: Pick<Time, 'now'>, changed: (message: StateMessage) => void): CoolDowns {
  let holds: RungHolds = new Map();

  function end(rung: string, model: string | null) {
    const kept = [...holds].filter(([name]) => name !== (model === null ? rung : `${rung}\n${model}`));
    if (kept.length === holds.size) return;
    holds = new Map(kept);
    changed({ say: 'state', rung, model, is: 'ready', until: null, why: null });
  }

  return {
    holds: () => holds,
    apply(rung, model, verdict) {
      if (verdict.is === 'good' && holds.size > 0) {
        end(rung, null);
        end(rung, model);
      }
      const after = holdsAfter(holds, { rung, model, verdict }, time.now());
      if (after === holds) return;
      holds = after;
      const isWhole = 'scope' in verdict && verdict.scope === 'rung';
      const hold = holdOf(holds, rung, model, time.now());
      if (!hold) return;
      const { is, until, why } = hold;
      changed({ say: 'state', rung, model: isWhole ? null : model, is, until: Math.ceil(until), why });
    },
    pauseOf(rung, model) {
      const hold = holdOf(holds, rung, model, time.now());
      return hold ? { name: rung, why: hold.why, retryAt: hold.until } : undefined;
    },
    forget(rung) {
      for (const name of [...holds.keys()]) {
        const [of, model] = name.split('\n');
        if (of === rung) end(rung, model ?? null);
      }
    },
  };
}
