import type { Time } from '../../kernel/time.ts';
import type { CheckKind, CheckResult } from './ports.ts';
import type { FromGateway, ToGateway } from './wire.ts';

/** Small calls that prove a rung, as the gateway makes them. */
interface RungChecks {
  /** Resolves when the gateway has made the call, is lost, or has not answered in time. */
  prove(rung: string, kind: CheckKind): Promise<CheckResult>;
  receive(message: Extract<FromGateway, { say: 'checked' }>): void;
  /** The gateway is gone. */
  lost(): void;
}

const CHECK_MS = 90_000;

export function createRungChecks(time: Pick<Time, 'after'>, send: (message: ToGateway) => void): RungChecks {
  const checks = new Map<number, (result: CheckResult) => void>();
  let last = 0;
  const unproven = (why: string): CheckResult => ({ ok: false, tookMs: 0, usage: null, model: null, why });

  return {
    prove(rung, kind) {
      const id = ++last;
      const { promise, resolve } = Promise.withResolvers<CheckResult>();
      checks.set(id, resolve);
      const stop = time.after(CHECK_MS, () => resolve(unproven(`no answer within ${CHECK_MS / 1_000}s`)));
      send({ do: 'check', id, rung, kind });
      return promise.finally(() => {
        stop();
        checks.delete(id);
      });
    },
    receive({ id, say: _, ...result }) {
      checks.get(id)?.(result);
    },
    lost() {
      for (const resolve of checks.values()) resolve(unproven('the model gateway was lost'));
    },
  };
}
