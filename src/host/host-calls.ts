import { createInputCheck } from '../catalog/files/input-check.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { ChainBounds } from '../jobs/chain.ts';
import { createChains } from '../jobs/chains.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Added } from '../jobs/model.ts';
import type { AttemptRef, EffectStore, JobRecords, StateStore } from '../jobs/ports.ts';
import { BOUNDS, type Bounds, isWithin, shown } from '../kernel/bounds.ts';
import { Fault } from '../kernel/fault.ts';
import { readInstant } from '../kernel/instant.ts';
import { fleetNotInNeeds } from '../kernel/needs-fault.ts';
import type { CallEnd } from '../kernel/origin.ts';
import { suggest } from '../kernel/suggest.ts';
import type { Time } from '../kernel/time.ts';
import type { SentJob } from '../plugin/context.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { WorkerCall } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';
import type { FleetView } from './fleet.ts';
import type { Outbound } from './outbound.ts';

interface HostCallsNeeds {
  time: Time;
  journal: Pick<Journal, 'room'>;
  store: EffectStore & StateStore & Pick<JobRecords, 'ancestors' | 'get'>;
  jobs: Pick<Jobs, 'add' | 'depthOf'>;
  bus: Pick<HostBus, 'emit'>;
  catalog: Pick<Catalog, 'agents'>;
  fleet: FleetView;
  exec: Pick<Exec, 'run' | 'stopOne'>;
  outbound: Pick<Outbound, 'admit' | 'callEnded'>;
}

type CallTo<Ask extends WorkerCall['ask']> = Extract<WorkerCall, { ask: Ask }>;

/** The answer to each kind of call; `by` is the agent of the attempt that calls. */
type Answers = { [Ask in WorkerCall['ask']]?: (call: CallTo<Ask>, by: Agent) => unknown };

/** Answers what running jobs ask for through their context; jobs that make jobs do so within the bounds. */
export function createHostCalls(
  needs: HostCallsNeeds,
  chainBounds: () => ChainBounds,
): (call: WorkerCall, by: Agent) => Promise<unknown> {
  const { time, store, jobs, catalog } = needs;
  const log = needs.journal.room('jobs');
  const inputCheck = createInputCheck();
  const chains = createChains(
    { time, store, depthOf: jobs.depthOf, refused: (chain) => needs.bus.emit('chain.refused', chain) },
    chainBounds,
  );

  function receiver(name: string, sender: string): Agent {
    const agent = catalog.agents().get(name);
    if (agent) return agent;
    const near = suggest(name, catalog.agents().keys());
    throw new Fault({
      code: 'AGENT_UNKNOWN',
      message: `${sender} sends to ${name}, which is no agent here`,
      next: near ? `did you mean ${near}?` : 'daruma agents',
    });
  }

  /** The sender's answer. A `send` that surely repeats no earlier one, and queued nothing, is in the log as well. */
  function sentJob(
    { id, isNew, first }: Added,
    to: string,
    { job, agent, key }: WorkerCall & { ask: 'send' },
  ): SentJob {
    if (!first) return { id, isNew, state: 'queued', sameInput: true };
    const { state, sameInput } = first as { state: SentJob['state']; sameInput: boolean };
    if (!sameInput || state === 'dead') {
      const why = [...(sameInput ? [] : ['its input differs']), ...(state === 'dead' ? ['it is dead'] : [])].join(', ');
      const message = `${agent} sent to ${to} with the key ${key}, which ${id} has: nothing was queued; ${why}`;
      log.warn(message, { agent, job, holder: id });
    }
    return { id, isNew, state, sameInput };
  }

  async function send(call: CallTo<'send'>): Promise<SentJob> {
    const { agent: sender, job: parent, input, key, priority, afterMs = 0 } = call;
    const agent = receiver(call.to, sender);
    const { name, limits } = agent;
    const wrong = inputCheck(agent, input);
    if (wrong) throw new Fault(wrong);
    const depth = await chains.admit({ job: parent, agent: sender, what: `send to ${name}`, count: 1, afterMs });
    const staleAfterMs = call.staleAfterMs ?? limits.staleAfterMs;
    const [added] = await jobs.add([
      {
        ...{ agent: name, trigger: 'send', input, attempts: limits.attempts, parent, depth },
        ...(key === undefined ? {} : { key }),
        ...(priority === undefined ? {} : { priority }),
        ...(afterMs ? { inMs: afterMs } : {}),
        ...(staleAfterMs === undefined ? {} : { staleAfterMs }),
      },
    ]);
    return sentJob(added!, name, call);
  }

  /** Resolves with how many agents listen. */
  async function emit({ topic, data, agent: from, job: parent }: CallTo<'emit'>): Promise<number> {
    const listeners = [...catalog.agents().values()].filter((agent) => agent.on.includes(topic));
    const input = JSON.stringify({ topic, from, data: data === null ? null : JSON.parse(data) });
    const count = listeners.length;
    const depth = await chains.admit({ job: parent, agent: from, what: `emit of ${topic}`, count, afterMs: 0 });
    await jobs.add(
      listeners.map(({ name, limits: { attempts } }) => {
        return { agent: name, trigger: 'event', input, attempts, parent, depth };
      }),
    );
    return count;
  }

  const answers: Answers = {
    ...storeAnswers(store),
    ...fleetAnswers(needs.fleet),
    send,
    emit,
    exec: ({ ask: _, ...order }, by) => needs.exec.run({ ...order, needs: by.needs }),
    stopExec: (call) => needs.exec.stopOne(refOf(call), call.call),
    admit: (call, by) => needs.outbound.admit(call, by),
    fetched: (call) => needs.outbound.callEnded(call),
  };

  return async (call, by) => {
    checkCall(call);
    return answers[call.ask]?.(call as never, by);
  };
}

/** Effects and state are the store's; an effect counts only for the attempt that holds the job's lease. */
function storeAnswers(store: EffectStore & StateStore): Answers {
  return {
    beginEffect: (call) => store.beginEffect(refOf(call), call.key),
    endEffect: (call) => store.endEffect(refOf(call), call.key, call.result, call.problem),
    dropEffect: (call) => store.dropEffect(refOf(call), call.key),
    getState: ({ agent, key }) => store.getState(agent, key),
    setState: ({ agent, key, value }) => store.setState(agent, key, value),
    deleteState: ({ agent, key }) => store.deleteState(agent, key),
    stateKeys: ({ agent }) => store.stateKeys(agent),
  };
}

/** The fleet is for agents whose needs name it. The worker refuses others before; but a plugin can write to its worker's channel. */
function fleetAnswers(fleet: FleetView): Answers {
  const fleetFor = ({ name, needs }: Agent): FleetView => {
    if (needs.fleet) return fleet;
    throw new Fault(fleetNotInNeeds(name));
  };
  return {
    fleetReport: (call, by) => fleetFor(by).report(call.from, call.to),
    fleetHealth: (_call, by) => fleetFor(by).health(),
    backUp: (call, by) => fleetFor(by).backUp(call.to, by),
    fleetParts: (_call, by) => fleetFor(by).parts(),
  };
}

function refOf({ job, attempt }: WorkerCall): AttemptRef {
  return { job, attempt };
}

type Check = (said: unknown) => boolean;

const count =
  (bounds: Bounds): Check =>
  (said) =>
    isWithin(said, bounds);
const text =
  (longest: number): Check =>
  (said) =>
    typeof said === 'string' && said.length <= longest;
const name: Check = (said) => said !== '' && text(200)(said);
const json: Check = (said) => said === null || text(BOUNDS.payload.most)(said);
const instant: Check = (said) => typeof readInstant(said) === 'number';
const number: Check = (said) => Number.isSafeInteger(said);
const end: Check = (said) => {
  if (typeof said !== 'object' || said === null) return false;
  const { ms, failure } = said as Partial<Extract<CallEnd, { is: 'bad' }>>;
  return Number.isFinite(ms) && (failure?.retryAfterMs === undefined || Number.isFinite(failure.retryAfterMs));
};

/** Fields of a call that its worker fills in. The options of a command are checked where it is run. */
const FIELDS: Partial<Record<WorkerCall['ask'], Record<string, Check>>> = {
  beginEffect: { key: name },
  endEffect: { key: name, result: json },
  dropEffect: { key: name },
  getState: { key: name },
  setState: { key: name, value: (said) => said !== null && json(said) },
  deleteState: { key: name },
  send: {
    to: name,
    input: json,
    key: name,
    afterMs: count(BOUNDS.wait),
    priority: count(BOUNDS.priority),
    staleAfterMs: count(BOUNDS.use),
  },
  emit: { topic: name, data: json },
  exec: { call: number, timeoutMs: count(BOUNDS.timer), maxOutputBytes: count(BOUNDS.output) },
  stopExec: { call: number },
  admit: { timeoutMs: count(BOUNDS.timer) },
  fetched: { pass: number, end },
  fleetReport: { from: instant, to: instant },
  backUp: { to: (said) => said !== '' && text(4_096)(said) },
};

/**
 * Throws `CALL_INVALID` for a call with a value that no plugin can ask for by its context. The worker has read its options
 * before; but a plugin can write to its worker's channel, and what comes from there is only a claim.
 */
export function checkCall(call: WorkerCall): void {
  const values = call as unknown as Record<string, unknown>;
  for (const [field, holds] of Object.entries(Object.hasOwn(FIELDS, call.ask) ? FIELDS[call.ask]! : {})) {
    const value = values[field];
    if (value === undefined || holds(value)) continue;
    throw new Fault({ code: 'CALL_INVALID', message: `${call.ask}: ${field} ${shown(value)} is out of its bounds` });
  }
}
