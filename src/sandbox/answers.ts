import { Fault } from '../kernel/fault.ts';
import type { ExecResult, SentJob } from '../plugin/context.ts';
import { isReservedTopic, topicReserved } from '../plugin/host-events.ts';
import type { Admission, WorkerCall } from '../workers/ports.ts';
import type { AskedFetch, FetchAnswer, NeedUse } from '../workers/rehearsal.ts';
import { SANDBOX_MODELS } from './models.ts';

/** A call of one kind. */
export type CallTo<Ask extends WorkerCall['ask']> = Extract<WorkerCall, { ask: Ask }>;

/** A call by which an attempt would change something. */
export type ActingCall = CallTo<'beginEffect' | 'setState' | 'deleteState' | 'send' | 'emit'>;

/** A call for something that only the world outside of the sandbox knows. */
export type FleetCall = CallTo<
  'fleetReport' | 'fleetHealth' | 'backUp' | 'proveBackup' | 'fleetParts' | 'fleetEvidence' | 'fleetDiagnosed'
>;

/** The record of an effect (`once`). `result` is JSON text, null for undefined. */
export type KnownEffect =
  | { is: 'done'; result: string | null }
  | { is: 'not-kept'; problem: string }
  /** Begun, and its end was never recorded. */
  | { is: 'begun' };

/** The world that an attempt in a sandbox finds. */
interface World {
  /** The state before the attempt; values are JSON text. */
  state: {
    get(key: string): Promise<string | undefined> | string | undefined;
    keys(): Promise<Iterable<string>> | Iterable<string>;
  };
  /** The effects of earlier attempts, by key. */
  effects: ReadonlyMap<string, KnownEffect>;
  /** Tries of a `fetch`. An answer from a record is asked for once: a pause makes it no better. */
  fetchAttempts: number;
  fetch(asked: AskedFetch): Promise<FetchAnswer>;
  /** A request to the models ({@link SANDBOX_MODELS}). */
  models(asked: AskedFetch): Promise<FetchAnswer>;
  exec(call: CallTo<'exec'>): Promise<ExecResult>;
  kill(call: CallTo<'kill'>): number | Promise<number>;
  fleet(call: FleetCall): unknown;
  /** The number of agents that listen to a topic. */
  listeners(topic: string): number;
  /** Called with the uses that a learning worker notes. */
  used?(uses: readonly NeedUse[]): void;
  /** Called before each act; a Fault that it throws goes to the plugin, and the act is not done. Default: every act is. */
  before?(act: ActingCall): void;
}

/** A job that an attempt has sent. */
export type SandboxSend = SentJob & { call: CallTo<'send'> };

/** Answers one attempt from memory, with the meaning that host and store give to each question. */
interface SandboxAnswers {
  answer(call: WorkerCall): Promise<unknown>;
  /** Sent jobs, without those whose key was sent before. */
  sends(): readonly SandboxSend[];
  emits(): readonly CallTo<'emit'>[];
  effects(): ReadonlyMap<string, KnownEffect>;
  /** State that the attempt has set, as JSON text; null: deleted. */
  state(): ReadonlyMap<string, string | null>;
  /** The most memory that the worker reported; 0 before the first report. */
  peakBytes(): number;
}

type Handlers = { [Ask in WorkerCall['ask']]: (call: CallTo<Ask>) => unknown };

const FETCH_MS = 30_000;

export function createAnswers(world: World): SandboxAnswers {
  const before = world.before ?? (() => {});
  const sends: SandboxSend[] = [];
  const emits: CallTo<'emit'>[] = [];
  const effects = new Map(world.effects);
  const state = new Map<string, string | null>();
  let peakBytes = 0;

  const handlers: Handlers = {
    beginEffect(call) {
      before(call);
      const known = effects.get(call.key);
      if (known && known.is !== 'begun') return known;
      effects.set(call.key, { is: 'begun' });
      return { is: known ? 'unknown' : 'new' };
    },
    endEffect({ key, result, problem }) {
      effects.set(key, problem === undefined ? { is: 'done', result } : { is: 'not-kept', problem });
      return null;
    },
    dropEffect({ key }) {
      effects.delete(key);
      return null;
    },
    getState: ({ key }) => (state.has(key) ? (state.get(key) ?? undefined) : world.state.get(key)),
    setState(call) {
      before(call);
      state.set(call.key, call.value);
      return null;
    },
    deleteState(call) {
      before(call);
      state.set(call.key, null);
      return null;
    },
    async stateKeys() {
      const keys = new Set(await world.state.keys());
      for (const [key, value] of state) value === null ? keys.delete(key) : keys.add(key);
      return [...keys].sort();
    },
    send(call) {
      before(call);
      const { to, key, input } = call;
      const former = key === undefined ? undefined : sends.find((sent) => sent.call.to === to && sent.call.key === key);
      if (former) return { ...sentJob(former), isNew: false, sameInput: former.call.input === input };
      const sent = { id: `sent-${sends.length + 1}`, isNew: true, state: 'queued', sameInput: true, call } as const;
      sends.push(sent);
      return sentJob(sent);
    },
    emit(call) {
      before(call);
      if (isReservedTopic(call.topic)) throw new Fault(topicReserved(call.agent, call.topic));
      emits.push(call);
      return world.listeners(call.topic);
    },
    exec: (call) => world.exec(call),
    stopExec: () => null,
    kill: (call) => world.kill(call),
    admit({ origin, timeoutMs = FETCH_MS }) {
      // A sandbox has no origins that are down.
      const terms = { attempts: world.fetchAttempts, timeoutMs, failsAfterMs: FETCH_MS };
      return { is: 'go', origin, pass: 0, credentials: true, ...terms } satisfies Admission;
    },
    fetched: () => null,
    fetch: ({ request }) => (isModelCall(request.url) ? world.models(request) : world.fetch(request)),
    held({ bytes }) {
      peakBytes = Math.max(peakBytes, bytes);
      return null;
    },
    used({ uses }) {
      world.used?.(uses);
      return null;
    },
    fleetReport: (call) => world.fleet(call),
    fleetHealth: (call) => world.fleet(call),
    backUp: (call) => world.fleet(call),
    proveBackup: (call) => world.fleet(call),
    fleetParts: (call) => world.fleet(call),
    fleetEvidence: (call) => world.fleet(call),
    fleetDiagnosed: (call) => world.fleet(call),
  };

  return {
    async answer(call) {
      if (!Object.hasOwn(handlers, call.ask)) throw new Fault({ code: 'CALL_INVALID', message: 'it is no call' });
      return handlers[call.ask](call as never);
    },
    sends: () => sends,
    emits: () => emits,
    effects: () => effects,
    state: () => state,
    peakBytes: () => peakBytes,
  };
}

function sentJob({ call: _, ...sent }: SandboxSend): SentJob {
  return sent;
}

function isModelCall(url: string): boolean {
  return url.startsWith(SANDBOX_MODELS.baseURL);
}
