import { createInputCheck } from '../catalog/files/input-check.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Pressure } from '../healing/pressure/pressure.ts';
import type { Agent } from '../jobs/agent.ts';
import type { ChainBounds } from '../jobs/chain.ts';
import { createChains } from '../jobs/chains.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Added } from '../jobs/model.ts';
import type { AttemptRef, EffectStore, JobRecords, StateStore } from '../jobs/ports.ts';
import { debouncedBy } from '../kernel/debounce.ts';
import { Fault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { fleetNotInNeeds, notInNeeds } from '../kernel/needs-fault.ts';
import { suggest } from '../kernel/suggest.ts';
import type { Time } from '../kernel/time.ts';
import type { SentJob } from '../plugin/context.ts';
import { isReservedTopic, topicReserved } from '../plugin/host-events.ts';
import type { Journal } from '../telemetry/journal.ts';
import { networkOf } from '../workers/host-allow-list.ts';
import type { WorkerCall } from '../workers/ports.ts';
import { mustTakeJobs } from './always-agents.ts';
import { type Arriving, whenAgentsAreIn } from './api/arriving.ts';
import type { HostBus } from './bus.ts';
import { type HostCall, readCall } from './check-call.ts';
import type { FleetView } from './fleet.ts';
import { type KeptBytes, STATE_FULL } from './kept-bytes.ts';
import { createKills } from './kill.ts';
import type { Outbound } from './outbound.ts';
import { mustTakeSend } from './pressure.ts';

interface HostCallsNeeds {
  time: Time;
  journal: Pick<Journal, 'child'>;
  store: EffectStore & StateStore & Pick<JobRecords, 'ancestors' | 'get'>;
  jobs: Pick<Jobs, 'add' | 'depthOf'>;
  bus: Pick<HostBus, 'emit'>;
  catalog: Pick<Catalog, 'agents'> & Arriving;
  fleet: FleetView;
  exec: Pick<Exec, 'run' | 'stopOne'>;
  outbound: Pick<Outbound, 'admit' | 'callEnded'>;
  kept: KeptBytes;
  pressure: Pick<Pressure, 'facts'>;
}

type CallTo<Ask extends HostCall['ask']> = Extract<HostCall, { ask: Ask }>;

/** The answer to each kind of call; `by` is the agent of the attempt that calls. */
type Answers = { [Ask in HostCall['ask']]: (call: CallTo<Ask>, by: Agent) => unknown };

/**
 * Answers what running jobs ask for through their context; jobs that make jobs do so within the bounds. Rights are decided
 * here, by the needs of the agent whose worker the call came from: a plugin can write to its worker's channel.
 */
export function createHostCalls(
  needs: HostCallsNeeds,
  chainBounds: () => ChainBounds,
): (call: WorkerCall, by: Agent) => Promise<unknown> {
  const { time, store, jobs, catalog } = needs;
  const log = needs.journal.child('jobs');
  const inputCheck = createInputCheck();
  const kills = createKills();
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
    if (!first.tookOver && (!sameInput || state === 'dead')) {
      const why = [...(sameInput ? [] : ['its input differs']), ...(state === 'dead' ? ['it is dead'] : [])].join(', ');
      const message = `${agent} sent to ${to} with the key ${key}, which ${id} has: nothing was queued; ${why}`;
      log.warn(message, { agent, job, holder: id });
    }
    return { id, isNew, state, sameInput };
  }

  async function send(call: CallTo<'send'>): Promise<SentJob> {
    const { agent: sender, job: parent, input, key, priority, afterMs = 0 } = call;
    const agent = await whenAgentsAreIn(catalog, () => receiver(call.to, sender));
    mustTakeJobs(agent);
    const { name, limits, debounce } = agent;
    mustTakeSend(needs.pressure, { how: `${sender} sends`, to: [agent], priority });
    const wrong = inputCheck(agent, input);
    if (wrong) throw new Fault(wrong);
    const depth = await chains.admit({ job: parent, agent: sender, what: `send to ${name}`, count: 1, afterMs });
    const staleAfterMs = call.staleAfterMs ?? limits.staleAfterMs;
    const [added] = await jobs.add([
      {
        ...{ agent: name, trigger: 'send', input, attempts: limits.attempts, parent, depth },
        ...given({ key, priority }),
        ...(afterMs ? { inMs: afterMs } : debouncedBy(debounce, input)),
        ...given({ staleAfterMs }),
      },
    ]);
    return sentJob(added!, name, call);
  }

  /** Resolves with how many agents listen. */
  async function emit({ topic, data, agent: from, job: parent }: CallTo<'emit'>): Promise<number> {
    if (isReservedTopic(topic)) throw new Fault(topicReserved(from, topic));
    const listeners = [...catalog.agents().values()].filter((agent) => agent.on.includes(topic));
    const input = JSON.stringify({ topic, from, data: data === null ? null : JSON.parse(data) });
    const count = listeners.length;
    mustTakeSend(needs.pressure, { how: `${from} emits ${topic}, which is`, to: listeners });
    const depth = await chains.admit({ job: parent, agent: from, what: `emit of ${topic}`, count, afterMs: 0 });
    await jobs.add(
      listeners.map(({ name, limits: { attempts }, debounce }) => {
        return { agent: name, trigger: 'event', input, attempts, parent, depth, ...debouncedBy(debounce, input) };
      }),
    );
    return count;
  }

  const answers: Answers = {
    ...storeAnswers(store, needs.kept),
    ...fleetAnswers(needs.fleet),
    send,
    emit,
    exec(call, by) {
      if (by.needs.exec.length === 0) throw new Fault(execNotInNeeds(call));
      const { ask: _, ...order } = call;
      return needs.exec.run({ ...order, needs: by.needs, network: networkOf(by.needs.net) });
    },
    kill: ({ targets, signal }, by) => kills.kill(by, targets, signal),
    stopExec: (call) => needs.exec.stopOne(refOf(call), call.call),
    admit: (call, by) => needs.outbound.admit(call, by),
    fetched: (call, by) => needs.outbound.callEnded(call, by),
  };

  return async (given, by) => {
    const call = readCall(given);
    return answers[call.ask](call as never, by);
  };
}

/** Effects and state are the store's; an effect counts only for the attempt that holds the job's lease. */
function storeAnswers(store: EffectStore & StateStore, kept: KeptBytes) {
  return {
    beginEffect: (call: CallTo<'beginEffect'>) => store.beginEffect(refOf(call), call.key),
    async endEffect(call: CallTo<'endEffect'>) {
      const { key, result, problem } = call;
      const end = () => store.endEffect(refOf(call), key, result, problem);
      if (result === null) return end();
      try {
        return await kept.write(call.agent, key.length + result.length, end);
      } catch (thrown) {
        // The effect is done, whatever becomes of its result: no other attempt may do it again.
        if (thrown instanceof Fault && thrown.code === STATE_FULL)
          await store.endEffect(refOf(call), key, null, thrown.message);
        throw thrown;
      }
    },
    dropEffect: (call: CallTo<'dropEffect'>) => store.dropEffect(refOf(call), call.key),
    getState: ({ agent, key }: CallTo<'getState'>) => store.getState(agent, key),
    setState: ({ agent, key, value }: CallTo<'setState'>) =>
      kept.write(agent, key.length + value.length, () => store.setState(agent, key, value)),
    deleteState({ agent, key }: CallTo<'deleteState'>) {
      kept.freed(agent);
      return store.deleteState(agent, key);
    },
    stateKeys: ({ agent }: CallTo<'stateKeys'>) => store.stateKeys(agent),
  };
}

/** The fleet is for agents whose needs name it. The worker refuses others before; but a plugin can write to its worker's channel. */
function fleetAnswers(fleet: FleetView) {
  const fleetFor = ({ name, needs }: Agent): FleetView => {
    if (needs.fleet) return fleet;
    throw new Fault(fleetNotInNeeds(name));
  };
  return {
    fleetReport: (call: CallTo<'fleetReport'>, by: Agent) => fleetFor(by).report(call.from, call.to),
    fleetHealth: (_call: HostCall, by: Agent) => fleetFor(by).health(),
    backUp: (call: CallTo<'backUp'>, by: Agent) => fleetFor(by).backUp(call.to, by),
    proveBackup: (call: CallTo<'proveBackup'>, by: Agent) =>
      fleetFor(by).proveBackup(call.file, by, `${call.job} ${call.attempt}`),
    fleetParts: (_call: HostCall, by: Agent) => fleetFor(by).parts(),
    fleetEvidence: (call: CallTo<'fleetEvidence'>, by: Agent) => fleetFor(by).evidence(call.incident),
    fleetDiagnosed: ({ incident, answer, model }: CallTo<'fleetDiagnosed'>, by: Agent) =>
      fleetFor(by).diagnosed(incident, JSON.parse(answer), model ?? null),
  };
}

function execNotInNeeds({ agent, command }: CallTo<'exec'>) {
  return notInNeeds({ agent, need: 'exec', asked: command });
}

function refOf({ job, attempt }: WorkerCall): AttemptRef {
  return { job, attempt };
}
