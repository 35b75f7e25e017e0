import { type ControlClient, connectControl } from '../../src/control/client.ts';
import { toPlainFault } from '../../src/kernel/fault.ts';
import { delay } from './delay.ts';
import type { AcceptedLedger } from './ledgers.ts';
import { KINDS, type Kind } from './plugins.ts';
import type { Random } from './random.ts';

interface Order {
  key: string;
  agent: Kind;
  input: unknown;
}

/**
 * Somebody outside who asks for jobs over the control socket, and writes down each one whose acceptance was told. An order
 * without an answer (the host was killed under it) is given again with the same key, as a careful client does.
 */
export interface Producer {
  /** Orders come until it is paused. Connects again by itself. */
  run(): void;
  pause(): Promise<void>;
  /** Gives the orders again that have no answer yet. */
  settle(): Promise<void>;
  /** Orders so far. */
  orders(): number;
  /** Refusals of a living host, counted by code. */
  refusals: Record<string, number>;
}

/** Told of each answer: how long it took, and its code when it was no acceptance. */
export type Answered = (answer: { ms: number; code?: string }) => void;

const MOST_OPEN = 16;
/** An order that a living host refused is given again after this long. */
const AGAIN_MS = 100;
/** The time for the last orders to be accepted, when nobody kills hosts any more: a bound for what hangs, not for how fast a busy machine is. */
const SETTLED_WITHIN_MS = 120_000;

export interface ProducerOptions {
  socket: string;
  ledger: AcceptedLedger;
  random: Random;
  /** Asked before each order. */
  mayOrder(): boolean;
  /** Nobody is asked for these. */
  without?: readonly Kind[];
  answered?: Answered;
}

export function createProducer(options: ProducerOptions): Producer {
  const { socket, ledger, random, mayOrder, without = [], answered = () => {} } = options;
  const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => !without.includes(kind));
  const weights = Object.fromEntries(kinds.map((kind) => [kind, KINDS[kind].weight])) as Record<Kind, number>;
  const open = new Map<string, Order>();
  const refusals: Record<string, number> = {};
  const refused = new Map<Order, number>();
  let client: ControlClient | undefined;
  let lastOrder = 0;
  let running = false;
  let loop = Promise.resolve();

  function newOrder(): Order {
    const agent = random.pick(weights);
    const number = ++lastOrder;
    const input =
      agent === 'effect'
        ? { ifUnknown: random.pick({ fail: 6, skip: 2, repeat: 2 }), ms: random.between(0, 15) }
        : { number, text: 'x'.repeat(random.between(0, 2_000)) };
    return { key: `order-${number}`, agent, input };
  }

  async function give(order: Order, to: ControlClient): Promise<void> {
    const givenAt = performance.now();
    open.set(order.key, order);
    refused.delete(order);
    try {
      const { id } = await to.ask('run', { agent: order.agent, input: order.input, key: order.key });
      open.delete(order.key);
      ledger.write([{ key: order.key, agent: order.agent, id }]);
      answered({ ms: performance.now() - givenAt });
    } catch (thrown) {
      // The job stays open, and is given again.
      const { code } = toPlainFault(thrown);
      if (code !== 'HOST_GONE') {
        refusals[code] = (refusals[code] ?? 0) + 1;
        refused.set(order, performance.now());
        return answered({ ms: performance.now() - givenAt, code });
      }
      if (client === to) client = undefined;
      to.close();
    }
  }

  async function connected(): Promise<ControlClient | undefined> {
    client ??= await connectControl(socket).catch(() => undefined);
    return client;
  }

  async function order() {
    while (running) {
      const to = await connected();
      if (to) {
        for (const one of [...open.values()].slice(0, MOST_OPEN)) void give(one, to);
        while (running && client === to) {
          for (const [one, at] of [...refused]) if (performance.now() - at > AGAIN_MS) void give(one, to);
          if (open.size < MOST_OPEN && mayOrder()) void give(newOrder(), to);
          await delay(random.between(2, 30));
        }
      } else await delay(10);
    }
  }

  return {
    run() {
      if (running) return;
      running = true;
      loop = order();
    },
    async pause() {
      running = false;
      await loop;
    },
    async settle() {
      // A host that was killed a moment ago starts meanwhile, on a busy machine for seconds.
      const until = performance.now() + SETTLED_WITHIN_MS;
      while (open.size > 0 && performance.now() < until) {
        const to = await connected();
        if (to) await Promise.all([...open.values()].map((one) => give(one, to)));
        if (open.size > 0) await delay(50);
      }
      if (open.size > 0) {
        const why = `refused so far: ${JSON.stringify(refusals)}, ${client ? 'the host is connected' : 'no host answers'}`;
        throw new Error(`${open.size} orders are not accepted by a host that nobody kills (${why})`);
      }
      client?.close();
      client = undefined;
    },
    orders: () => lastOrder,
    refusals,
  };
}
