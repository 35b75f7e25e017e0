import { createInputCheck } from '../catalog/files/input-check.ts';
import type { Catalog } from '../catalog/ports.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Agent } from '../jobs/agent.ts';
import type { ChainBounds } from '../jobs/chain.ts';
import { createChains } from '../jobs/chains.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Added } from '../jobs/model.ts';
import type { EffectStore, JobRecords, StateStore } from '../jobs/ports.ts';
import { Fault } from '../kernel/fault.ts';
import { fleetNotInNeeds } from '../kernel/needs-fault.ts';
import { suggest } from '../kernel/suggest.ts';
import type { Time } from '../kernel/time.ts';
import type { SentJob } from '../plugin/context.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { WorkerCall } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';
import { checkCall } from './check-call.ts';
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

  /** The worker has refused it before; but a plugin can write to its worker's channel. */
  function fleetFor({ name, needs: { fleet } }: Agent): FleetView {
    if (fleet) return needs.fleet;
    throw new Fault(fleetNotInNeeds(name));
  }

  /** What the sender hears; what is surely no repetition of the same `send` is told the log as well. */
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

  return async (call, by) => {
    checkCall(call);
    const ref = { job: call.job, attempt: call.attempt };
    const maker = { job: call.job, agent: call.agent };
    switch (call.ask) {
      case 'beginEffect':
        return store.beginEffect(ref, call.key);
      case 'endEffect':
        return store.endEffect(ref, call.key, call.result, call.problem);
      case 'dropEffect':
        return store.dropEffect(ref, call.key);
      case 'getState':
        return store.getState(call.agent, call.key);
      case 'setState':
        return store.setState(call.agent, call.key, call.value);
      case 'deleteState':
        return store.deleteState(call.agent, call.key);
      case 'stateKeys':
        return store.stateKeys(call.agent);
      case 'send': {
        const agent = receiver(call.to, call.agent);
        const wrong = inputCheck(agent, call.input);
        if (wrong) throw new Fault(wrong);
        const afterMs = call.afterMs ?? 0;
        const depth = await chains.admit({ ...maker, what: `send to ${agent.name}`, count: 1, afterMs });
        const staleAfter = call.staleAfterMs ?? agent.limits.staleAfterMs;
        const [added] = await jobs.add([
          {
            agent: agent.name,
            trigger: 'send',
            input: call.input,
            attempts: agent.limits.attempts,
            parent: call.job,
            depth,
            ...(call.key === undefined ? {} : { key: call.key }),
            ...(call.priority === undefined ? {} : { priority: call.priority }),
            ...(call.afterMs ? { inMs: call.afterMs } : {}),
            ...(staleAfter === undefined ? {} : { staleAfterMs: staleAfter }),
          },
        ]);
        return sentJob(added!, agent.name, call);
      }
      case 'emit': {
        const listeners = [...catalog.agents().values()].filter((agent) => agent.on.includes(call.topic));
        const input = JSON.stringify({
          topic: call.topic,
          from: call.agent,
          data: call.data === null ? null : JSON.parse(call.data),
        });
        const what = `emit of ${call.topic}`;
        const depth = await chains.admit({ ...maker, what, count: listeners.length, afterMs: 0 });
        await jobs.add(
          listeners.map(({ name, limits }) => {
            const { attempts } = limits;
            return { agent: name, trigger: 'event', input, attempts, parent: call.job, depth };
          }),
        );
        return listeners.length;
      }
      case 'exec': {
        const { ask: _, ...order } = call;
        return needs.exec.run({ ...order, needs: by.needs });
      }
      case 'stopExec':
        return needs.exec.stopOne(ref, call.call);
      case 'admit':
        return needs.outbound.admit(call, by);
      case 'fetched':
        return needs.outbound.callEnded(call);
      case 'fleetReport':
        return fleetFor(by).report(call.from, call.to);
      case 'fleetHealth':
        return fleetFor(by).health();
      case 'backUp':
        return fleetFor(by).backUp(call.to, by);
      case 'fleetParts':
        return fleetFor(by).parts();
    }
  };
}
