import { randomBytes } from 'node:crypto';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import type { Log, LogLevel } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { DAY_MS, MB } from '../../kernel/measures.ts';
import type { Rung } from '../../kernel/rung.ts';
import type { Service } from '../../kernel/service.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import { createChildSupervisor } from '../child/supervisor.ts';
import type { Origins } from '../origins/ports.ts';
import { type CallLedger, createModelCalls } from './calls.ts';
import { createChainView } from './chain-view.ts';
import { type CallCounters, createCallCounters } from './counters.ts';
import type { CheckKind, CheckResult, LlmAccess, RungState } from './ports.ts';
import { openGatewayProcess } from './process.ts';
import { createRungChecks } from './rung-checks.ts';
import type { FromGateway, GatewayWorker, ProviderKeys, ToGateway } from './wire.ts';

/** Keys of workers. The gateway knows them by their hashes. */
interface WorkerAccess {
  /** A new key for a worker; any key of before is good no more. */
  mint(worker: string, agent: string): { key: string; worker: GatewayWorker };
  agentOf(worker: string): string | undefined;
  /** Every worker whose key is good. */
  all(): GatewayWorker[];
  remove(worker: string): void;
}

/** The models that agents ask, behind a process of its own that alone holds the keys of providers. */
export interface Models extends Service {
  /** An agent that needs models is in force: starts the gateway where none runs. Does not wait until it listens. */
  want(): void;
  /** Opens the models to a worker, with a key of its own. Throws `MODELS_NOT_THERE` while no gateway has listened yet. */
  open(worker: string, agent: string): LlmAccess & { close(): void };
  /** Proves a rung by one small call, which is metered. Waits for the gateway; rejects with `MODELS_OFF` or why none listens. */
  check(rung: string, kind: CheckKind): Promise<CheckResult>;
  /** Keys of providers came, went or changed. */
  keysChanged(): void;
  /** Attempts that ended: their calls are closed, also upstream. */
  ended(attempts: readonly { job: string; attempt: number }[]): void;
  /** null: no gateway is needed, or none listens. */
  view(): { pid: number; port: number } | null;
  /** The rungs in order, whether a gateway runs or not. */
  chain(): RungState[];
  /** First choices of rungs that their providers do not list any more. */
  gone(): PlainFault[];
  /** The reason why no gateway listens although one is needed. */
  fault(): PlainFault | undefined;
  counters: CallCounters;
}

interface ModelsNeeds {
  time: Time;
  log: Log;
  record(level: LogLevel, event: { kind: string; message: string; data?: Record<string, unknown> }): void;
  enabled: boolean;
  rungs: readonly Rung[];
  /** The installation; it stands in the process list beside the gateway. */
  folder: string;
  /** The process id of the host. */
  parent: number;
  /** The keys that are there, and why the others are not, by rung. */
  keys(): { keys: ProviderKeys; off: Readonly<Record<string, string>> };
  origins: Pick<Origins, 'admit' | 'callEnded' | 'stateOf'>;
  ledger: CallLedger;
  /** The models that worked before, by rung; kept over restarts. */
  remembered: { load(): Promise<Readonly<Record<string, string>>>; keep(rung: string, model: string): void };
  /** Whether the worker holds the attempt now. */
  holds(worker: string, ref: { job: string; attempt: number }): boolean;
  /** A call of the attempt was refused, or no rung has answered it: its job waits as the fault says. */
  refused(ref: { job: string; attempt: number }, agent: string, fault: PlainFault): void;
  /** A rung answered a call of the agent. */
  answered(agent: string): void;
  /** A try of a rung ended; the time until the first token is that of a good one. */
  counted?(rung: string, verdict: string, firstTokenMs?: number): void;
  /** A gateway listens. `hasMoved`: at another port than the one before; workers that hold the address are of no use. */
  listens(port: number, hasMoved: boolean): void;
  /** When a drill last proved a rung, epoch ms. */
  provenAt(rung: string): number | null;
  /** The code of the process, and the time between two looks at it. Default: that of the build, 2 s. */
  file?: string;
  pingMs?: number;
}

const MOST_RSS_BYTES = 160 * MB;
/** A worker that starts waits so long for the gateway. */
const LISTEN_MS = 15_000;

export function createModels(needs: ModelsNeeds): Models {
  const { time, log, record, rungs } = needs;
  const access = createWorkerAccess();
  const counters = createCallCounters(needs.counted);
  const calls = createModelCalls({ ...needs, rungs: () => rungs, agentOf: access.agentOf, checker: 'daruma' });
  /** Models that worked before, by rung. */
  const remembered = new Map<string, string>();
  const chain = createChainView({ ...needs, remembered, keep });
  const checks = createRungChecks(time, (message) => supervisor.send(message));
  const receive = createReceiver({ log, calls, counters, chain, checks });
  let listening: number | undefined;
  let isWanted = false;
  const supervisor = createChildSupervisor<ToGateway, FromGateway>({
    ...{ time, log, name: 'the model gateway', code: 'MODELS_LOST' },
    lost: (message) =>
      record('warn', { kind: 'models.lost', message: `${message}; calls of models fail until it is started again` }),
    back: (message) => record('info', { kind: 'models.back', message }),
    open: (_ports, pipe) => openGatewayProcess(needs.folder, pipe, needs.file),
    begin(process, ports) {
      const terms = { parent: needs.parent, ports, rungs, remembered: Object.fromEntries(remembered) };
      process.send({ do: 'begin', terms, ...needs.keys(), workers: access.all() });
      return { receive: (message) => void receive(message, process), listening: listens, end: lost };
    },
    ports: (before) => (before === undefined ? [0] : [before, 0]),
    mostRssBytes: MOST_RSS_BYTES,
    ...(needs.pingMs === undefined ? {} : { pingMs: needs.pingMs }),
  });
  const daily = createLoop(
    { time, failed: (error) => log.error('the models could not be looked up', { fault: toPlainFault(error) }) },
    { everyMs: DAY_MS, firstMs: DAY_MS, turn: () => supervisor.send({ do: 'resolve' }) },
  );

  function keep(rung: string, model: string) {
    remembered.set(rung, model);
    needs.remembered.keep(rung, model);
  }

  function listens(port: number) {
    const hasMoved = listening !== undefined && listening !== port;
    listening = port;
    needs.listens(port, hasMoved);
  }

  function lost() {
    calls.lost();
    chain.lost();
    checks.lost();
  }

  function want() {
    if (isWanted || !needs.enabled) return;
    isWanted = true;
    void supervisor.start();
    void daily.start();
  }

  async function ready(): Promise<void> {
    if (!needs.enabled) throw new Fault(modelsOff());
    want();
    await supervisor.settled(LISTEN_MS);
    if (!supervisor.view()) throw new Fault(notThere());
  }

  function notThere(): PlainFault {
    if (!needs.enabled) return { ...modelsOff(), code: 'MODELS_NOT_THERE' };
    const why = supervisor.fault()?.message ?? 'it is starting';
    return {
      code: 'MODELS_NOT_THERE',
      message: `the model gateway does not listen: ${why}`,
      next: 'nothing: it is started again by itself; daruma models',
    };
  }

  return {
    async start() {
      for (const [rung, model] of Object.entries(await needs.remembered.load())) remembered.set(rung, model);
    },
    async stop() {
      await daily.stop();
      if (isWanted) await supervisor.stop();
      isWanted = false;
    },
    alive: () => (isWanted ? supervisor.alive() : undefined),
    want,
    open(name, agent) {
      want();
      // A gateway that is lost is back in a moment, at the same port, and gets this key with the others.
      if (listening === undefined) throw new Fault(notThere());
      const { key, worker } = access.mint(name, agent);
      supervisor.send({ do: 'workers', add: [worker], remove: [name] });
      const close = () => {
        access.remove(name);
        supervisor.send({ do: 'workers', add: [], remove: [name] });
      };
      return { baseURL: `http://127.0.0.1:${listening}/v1`, key, model: 'auto', close };
    },
    async check(rung, kind) {
      await ready();
      return checks.prove(rung, kind);
    },
    keysChanged: () => supervisor.send({ do: 'keys', ...needs.keys() }),
    ended(attempts) {
      if (isWanted && attempts.length > 0) supervisor.send({ do: 'attempts ended', attempts });
    },
    view: () => (isWanted ? supervisor.view() : null),
    chain: chain.view,
    gone: chain.gone,
    fault: () => (isWanted ? supervisor.fault() : undefined),
    counters,
  };
}

interface ReceiverNeeds {
  log: Log;
  calls: ReturnType<typeof createModelCalls>;
  counters: CallCounters;
  chain: ReturnType<typeof createChainView>;
  checks: ReturnType<typeof createRungChecks>;
}

/** Answers the messages of a gateway. Never rejects: a call that cannot be decided is refused. */
function createReceiver({ log, calls, counters, chain, checks }: ReceiverNeeds) {
  async function answer(message: FromGateway): Promise<ToGateway | undefined> {
    if (message.say === 'begin') return calls.begin(message);
    if (message.say === 'pass') return calls.pass(message);
    if (message.say === 'end') return calls.end(message);
    if (message.say === 'tried') {
      calls.tried(message);
      counters.tried(message);
    } else if (message.say === 'unfit') counters.unfit(message);
    else if (message.say === 'checked') checks.receive(message);
    else if (message.say === 'resolved' || message.say === 'state') chain.receive(message);
    return undefined;
  }

  return async (message: FromGateway, to: { send(message: ToGateway): void }): Promise<void> => {
    try {
      const answered = await answer(message);
      if (answered) to.send(answered);
    } catch (error) {
      const fault = toPlainFault(error);
      log.error('a call of a model could not be decided', { fault });
      if ('id' in message && typeof message.id === 'string') to.send({ do: 'refuse', id: message.id, fault });
    }
  };
}

function modelsOff(): PlainFault {
  return {
    code: 'MODELS_OFF',
    message: 'models are off',
    next: 'remove `models: false` from config/daruma.yaml; daruma stop; daruma start',
  };
}

function createWorkerAccess(): WorkerAccess {
  const workers = new Map<string, GatewayWorker>();
  return {
    mint(name, agent) {
      const key = randomBytes(16).toString('hex');
      const worker = { hash: sha256(key), worker: name, agent };
      workers.set(name, worker);
      return { key, worker };
    },
    agentOf: (worker) => workers.get(worker)?.agent,
    all: () => [...workers.values()],
    remove: (worker) => void workers.delete(worker),
  };
}
