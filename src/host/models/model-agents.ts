import type { Models } from '../../gateway/models/models.ts';
import type { OutageSource } from '../../healing/ports.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { WorkerEvents } from '../../jobs/worker-port.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import type { OpenModels, Workers } from '../../workers/ports.ts';
import { MODELS_NOT_THERE } from '../../workers/worker-models.ts';
import type { HostBus } from '../bus.ts';
import { createModelWaits, type ModelWaits } from './model-waits.ts';

/** Agents that ask models: they start when the gateway listens, wait for what it cannot answer, and follow it to another port. */
export interface ModelAgents {
  waits: ModelWaits;
  /** Why the agent cannot start: it needs models, and no gateway has listened yet. */
  lacks(agent: Agent): PlainFault | undefined;
  /** The set of agents has changed: the first that needs models starts the gateway. */
  use(): void;
  /** Resolves when the gateway listens, if an agent needs it, or after {@link READY_MS}. */
  ready(): Promise<void>;
  listens(port: number, hasMoved: boolean): void;
  /** Opens the models to a worker of the agent. */
  open(worker: string, agent: Agent): OpenModels;
  /** Attempts that ended: what they still ask is closed, also at the provider. */
  ended(ends: Parameters<WorkerEvents['ended']>[0]): void;
}

interface ModelAgentsNeeds {
  time: Time;
  bus: Pick<HostBus, 'emit'>;
  runnableAgents(): ReadonlyMap<string, Agent>;
  models(): Pick<Models, 'want' | 'open' | 'ended' | 'view' | 'fault'>;
  workers(): Pick<Workers, 'view' | 'recycle'>;
}

/** A host does not wait longer than this for its gateway before jobs start; agents that need it are held until it listens. */
const READY_MS = 5_000;
/** Ends of a worker's attempts are told within this time after its own end. */
const LAST_ENDS_MS = 5_000;

export function createModelAgents(needs: ModelAgentsNeeds): ModelAgents {
  const { time, bus } = needs;
  const listening = Promise.withResolvers<void>();
  let hasListened = false;
  /** Workers to which models were opened. */
  const asking = new Set<string>();
  const waits = createModelWaits({
    time,
    isListening: () => needs.models().view() !== null,
    changed: () => bus.emit('origin.changed', undefined),
  });

  function names(): string[] {
    return [...needs.runnableAgents().values()].filter(({ needs: { llm } }) => llm !== false).map(({ name }) => name);
  }

  function use() {
    if (names().length > 0) needs.models().want();
  }

  /** A worker knows the address from its start. */
  function recycleAll(agents: readonly string[]) {
    const because = { code: 'RECYCLED', message: 'the model gateway listens at another port' };
    for (const { worker, agent } of needs.workers().view().workers)
      if (agents.includes(agent)) needs.workers().recycle?.(worker, because);
  }

  return {
    waits,
    use,
    lacks({ needs: { llm } }) {
      if (llm === false || hasListened) return undefined;
      const { message, next } = needs.models().fault() ?? {
        message: 'the model gateway is being started',
        next: 'nothing: the agent starts with it',
      };
      return { code: MODELS_NOT_THERE, message, ...(next === undefined ? {} : { next }) };
    },
    async ready() {
      use();
      if (hasListened || names().length === 0 || needs.models().fault()) return;
      const cancel = time.after(READY_MS, listening.resolve);
      await listening.promise;
      cancel();
    },
    listens(_port, hasMoved) {
      hasListened = true;
      waits.listens();
      listening.resolve();
      const agents = names();
      if (hasMoved) recycleAll(agents);
      bus.emit('placement.changed', agents);
    },
    open(worker, agent) {
      const { close, ...access } = needs.models().open(worker, agent.name);
      asking.add(worker);
      return {
        ...access,
        close() {
          close();
          time.after(LAST_ENDS_MS, () => asking.delete(worker));
        },
      };
    },
    ended(ends) {
      const attempts = ends
        .filter(({ worker }) => asking.has(worker))
        .map(({ outcome: { job, attempt } }) => ({ job, attempt }));
      if (attempts.length > 0) needs.models().ended(attempts);
      waits.ended(attempts);
    },
  };
}

/** The outages of several rooms as those of one. */
export function outagesOf(sources: readonly OutageSource[]): OutageSource {
  return {
    outages: () => sources.flatMap((source) => source.outages()),
    recovery: (name) => sources.map((source) => source.recovery(name)).find((found) => found !== undefined),
    forget(name) {
      for (const source of sources) source.forget(name);
    },
  };
}
