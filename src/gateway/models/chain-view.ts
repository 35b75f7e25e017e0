import type { PlainFault } from '../../kernel/fault.ts';
import type { LogLevel } from '../../kernel/log.ts';
import { originOf } from '../../kernel/origin.ts';
import type { Rung } from '../../kernel/rung.ts';
import type { Time } from '../../kernel/time.ts';
import type { Origins } from '../origins/ports.ts';
import type { RungState } from './ports.ts';
import type { FromGateway } from './wire.ts';

/** The state of each rung, as the gateway and the breakers know it; its changes are told once. */
interface ChainView {
  receive(message: Extract<FromGateway, { say: 'resolved' | 'state' }>): void;
  view(): RungState[];
  /** A fault for each rung whose first choice its provider does not list any more. */
  gone(): PlainFault[];
  /** The gateway is gone, and with it the pauses that it knew. */
  lost(): void;
}

interface ChainViewNeeds {
  time: Pick<Time, 'now'>;
  record(level: LogLevel, event: { kind: string; message: string; data?: Record<string, unknown> }): void;
  rungs: readonly Rung[];
  keys(): { off: Readonly<Record<string, string>> };
  origins: Pick<Origins, 'stateOf'>;
  /** Models that worked before, by rung. */
  remembered: ReadonlyMap<string, string>;
  keep(rung: string, model: string): void;
  provenAt(rung: string): number | null;
}

interface Pause {
  is: 'cooling' | 'closed';
  until: number;
  why: string;
}

/** The state of a rung, as the host knows it. */
interface Known {
  model: string | null;
  /** Preferred models that its provider does not list. */
  gone: readonly string[];
  /** Pauses by model; the empty name: of the whole rung. */
  pauses: Map<string, Pause>;
}

export function createChainView(needs: ChainViewNeeds): ChainView {
  const { time, record, rungs } = needs;
  const known = new Map<string, Known>(rungs.map(({ name }) => [name, { model: null, gone: [], pauses: new Map() }]));

  function resolved({ rung, model, gone, why }: Extract<FromGateway, { say: 'resolved' }>) {
    const one = known.get(rung);
    if (!one) return;
    if (why === null) recordGone(rung, one, { model, gone });
    if (why === null && model !== null) needs.keep(rung, model);
    one.model = model;
    if (why === null) one.gone = gone;
  }

  /** The first choice is gone: told when it goes, and not again. */
  function recordGone(
    rung: string,
    { gone: goneBefore }: Known,
    { model, gone }: { model: string | null; gone: readonly string[] },
  ) {
    const first = rungs.find(({ name }) => name === rung)?.models[0];
    if (first === undefined || !gone.includes(first) || goneBefore.includes(first)) return;
    const instead = model === null ? 'none of its models is there' : `${model} is asked instead`;
    const message = `${rung} lists ${first} no more; ${instead}`;
    record('warn', { kind: 'models.gone', message, data: { rung, model: first, instead: model } });
  }

  function paused({ rung, model, is, until, why }: Extract<FromGateway, { say: 'state' }>) {
    const pauses = known.get(rung)?.pauses;
    if (!pauses) return;
    const name = model ?? '';
    const wasClosed = pauses.get(name)?.is === 'closed';
    if (is === 'ready' || until === null) {
      pauses.delete(name);
      return;
    }
    pauses.set(name, { is, until, why: why ?? '' });
    if (is !== 'closed' || wasClosed) return;
    const message = `${rung}${model === null ? '' : ` closes ${model}`}: ${why ?? 'closed'}; it is not asked for hours`;
    record('warn', { kind: 'models.closed', message, data: { rung, model, until } });
  }

  function stateOf(rung: Rung, off: string | undefined): Pick<RungState, 'state' | 'until' | 'why'> {
    if (off !== undefined) return { state: 'off', until: null, why: off };
    const { pauses, model, gone } = known.get(rung.name)!;
    const pause = [pauses.get(''), pauses.get(model ?? '')].find((one) => one && one.until > time.now());
    if (pause) return { state: pause.is, until: pause.until, why: pause.why };
    const origin = needs.origins.stateOf(originOf(rung.url)!);
    if (origin.is === 'down') return { state: 'down', until: origin.down.retryAt, why: origin.down.last };
    if (rung.models.every((name) => gone.includes(name)))
      return { state: 'closed', until: null, why: 'its provider has none of its models' };
    const why = gone.includes(rung.models[0]!) ? `${rung.models[0]} is gone` : null;
    return { state: 'ready', until: null, why };
  }

  return {
    receive: (message) => (message.say === 'resolved' ? resolved(message) : paused(message)),
    view() {
      const { off } = needs.keys();
      return rungs.map((rung) => ({
        name: rung.name,
        model: known.get(rung.name)!.model ?? needs.remembered.get(rung.name) ?? null,
        ...stateOf(rung, off[rung.name]),
        provenAt: needs.provenAt(rung.name),
      }));
    },
    gone: () =>
      rungs.flatMap((rung) => {
        const { gone, model } = known.get(rung.name)!;
        return gone.includes(rung.models[0]!) ? modelGone(rung, model) : [];
      }),
    lost() {
      for (const { pauses } of known.values()) pauses.clear();
    },
  };
}

function modelGone({ name, models: [first] }: Rung, model: string | null): PlainFault {
  const instead = model === null ? 'none of its models is there' : `${model} is asked instead`;
  return {
    code: 'MODEL_GONE',
    message: `${name} lists ${first} no more; ${instead}`,
    next: 'put a model that its provider has first in models.chain of config/daruma.yaml',
  };
}
