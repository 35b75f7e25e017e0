import { join } from 'node:path';
import type { ExecResult } from '../../plugin/context.ts';
import { createBrokerSupervisor } from './broker-supervisor.ts';
import { createCallTable, type ExecCall, nextCalls, shortHash } from './calls.ts';
import { execFaults } from './faults.ts';
import { findCommand, orderFor } from './order.ts';
import type {
  CommandFence,
  ExecAttempt,
  ExecChild,
  ExecLeft,
  ExecNeeds,
  ExecOrder,
  ExecServiceOptions,
} from './ports.ts';
import {
  type BrokerEnd,
  type BrokerOrder,
  type ChildRecord,
  envTagOf,
  type FromBroker,
  type ProcessFacts,
  type StopWhy,
} from './wire.ts';

type Reading = Extract<FromBroker, { say: 'readings' }>['children'][number];

/** Takes calls to the broker and their answers back, from the start of the host to its stop. */
export interface CommandRunner {
  /** Resolves when nothing of an earlier host runs any more. */
  start(): Promise<void>;
  run(order: ExecOrder): Promise<ExecResult>;
  /** Stops one call of an attempt, by its number. */
  stop(attempt: ExecAttempt, number: number): void;
  /** The attempt has ended: all that it left is stopped, and its scratch folder goes. */
  endAttempt(attempt: ExecAttempt): void;
  children(agent: string): ExecChild[];
  /** Stops everything, waits at most `withinMs` until nothing is left, and ends the broker. */
  end(withinMs: number): Promise<void>;
  /** The last sign of life of the broker, in monotonic ms; now, while no call needs a broker; undefined: a call needs one and there is none. */
  alive(): number | undefined;
}

/** The values that stay the same for one run of the service. */
interface RunTerms {
  /** Tells the marks of this run from those of the runs before. */
  session: string;
  /** The fence that commands wear. */
  fence(): Promise<CommandFence>;
}

/** Makes a runner for one run of the service. */
export function createCommandRunner(
  needs: ExecNeeds,
  options: ExecServiceOptions,
  { session, fence }: RunTerms,
): CommandRunner {
  const { runFolder, atATime = 4, idleMs = 60_000, graceMs = 1_000, cgroups = true } = options;
  const installation = shortHash(options.folderId ?? options.folder);
  const scratch = join(runFolder, 'exec');
  const calls = createCallTable(scratch, (unused) => brokerSupervisor.post({ do: 'clear', scratch: unused }));
  let readings: Reading[] = [];
  let hostStops = false;
  let lastCall = 0;

  const broken = (why: string) => needs.brokerBroken({ why, agents: agentsOf(calls.all()) });
  const brokerSupervisor = createBrokerSupervisor(
    { ...needs, receive, broken, lost, isBusy: () => calls.size() > 0 },
    { installation, scratch, graceMs, cgroups, idleMs, cwd: runFolder, file: join(runFolder, 'children.jsonl') },
  );

  function receive(message: FromBroker) {
    switch (message.say) {
      case 'waiting':
        if (!calls.get(message.child.mark)) throw new Error('a process of a command that nobody asked for');
        return void record(message.child);
      case 'ended':
        return ended(message.mark, message.end);
      case 'gone':
        return gone(message);
      case 'readings':
        readings = message.children;
    }
  }

  /** The command runs only once its process is on record. */
  async function record(child: ChildRecord) {
    try {
      await brokerSupervisor.record(child);
      brokerSupervisor.post({ do: 'open', mark: child.mark });
    } catch (error) {
      const call = calls.get(child.mark);
      if (call) fail(call, execFaults.unrecorded(call.order.command, (error as Error).message));
      brokerSupervisor.post({ do: 'stop', mark: child.mark, why: 'stopped' });
    }
  }

  function ended(mark: string, end: BrokerEnd) {
    const call = calls.get(mark);
    if (!call) return;
    if (end.is === 'ended') settle(call, () => call.answer.resolve(end.result));
    else fail(call, faultOf(call, end, hostStops));
  }

  function gone({ mark, left, names, cpuMs }: Extract<FromBroker, { say: 'gone' }>) {
    const call = calls.get(mark);
    brokerSupervisor.forget(mark);
    if (!call) return;
    if (cpuMs > 0) needs.used({ agent: call.agent, cpuMs });
    if (left > 0) needs.left(leftOf(call, left, names));
    remove(call);
  }

  function lost(how: string) {
    readings = [];
    for (const call of calls.all().filter(isWithBroker)) {
      fail(call, execFaults.lost(call.order.command, how));
      remove(call);
    }
  }

  function settle(call: ExecCall, answer: () => void) {
    if (call.state === 'answered') return;
    call.state = 'answered';
    answer();
    pump(call.agent);
  }

  const fail = (call: ExecCall, fault: Error) => settle(call, () => call.answer.reject(fault));

  /** No process of the call's command is left. */
  function remove(call: ExecCall) {
    fail(call, stoppedFault(call, hostStops));
    readings = readings.filter(({ mark }) => mark !== call.mark);
    calls.remove(call);
    if (calls.size() === 0) brokerSupervisor.rest();
  }

  function pump(agent: string) {
    if (hostStops) return;
    for (const call of nextCalls(calls.all(), agent, atATime)) void launch(call);
  }

  async function launch(call: ExecCall) {
    call.state = 'preparing';
    try {
      const order = await foundOrder(call, await fence(), options);
      // The call may have been stopped meanwhile.
      if ((call.state as string) !== 'preparing') return;
      brokerSupervisor.post({ do: 'run', mark: call.mark, order });
      call.state = 'running';
    } catch (error) {
      fail(call, error as Error);
      remove(call);
    }
  }

  function stopCall(call: ExecCall, why: StopWhy) {
    if (call.state === 'queued' || call.state === 'preparing') remove(call);
    else brokerSupervisor.post({ do: 'stop', mark: call.mark, why });
  }

  return {
    start: brokerSupervisor.start,
    run(order) {
      const call = calls.add(envTagOf(installation, order, `${session}-${++lastCall}`), order);
      pump(order.agent);
      return call.answer.promise;
    },
    stop(attempt, number) {
      for (const call of calls.of(attempt)) if (call.call === number) stopCall(call, 'stopped');
    },
    endAttempt(attempt) {
      for (const call of calls.of(attempt)) stopCall(call, 'ended');
      calls.end(attempt);
    },
    children: (agent) => readings.flatMap((reading) => childOf(agent, reading, calls.get(reading.mark))),
    async end(withinMs) {
      hostStops = true;
      for (const call of calls.all()) stopCall(call, 'ended');
      await calls.emptied(needs.time, withinMs);
      await brokerSupervisor.end();
      for (const call of calls.all()) remove(call);
    },
    // A host that needs no broker has no loop here that could stand still.
    alive: () => (calls.size() > 0 ? brokerSupervisor.receivedAt() : needs.time.monotonic()),
  };
}

function faultOf(call: ExecCall, end: Exclude<BrokerEnd, { is: 'ended' }>, hostStops: boolean): Error {
  const { command, timeoutMs } = call.order;
  if (end.is === 'unstarted') return execFaults.unstarted(command, end.message);
  if (end.why === 'timeout') return execFaults.timeout(command, timeoutMs!, end.result);
  return stoppedFault(call, hostStops);
}

function stoppedFault({ order }: ExecCall, hostStops: boolean): Error {
  return hostStops ? execFaults.hostStops(order.command) : execFaults.stopped(order.command);
}

/** The order for the broker; rejects with a Fault when the agent was not granted the command or a folder, or the program is not installed. */
async function foundOrder(
  { order, scratch }: ExecCall,
  fence: CommandFence,
  { folder, hidden = [] }: ExecServiceOptions,
): Promise<BrokerOrder> {
  return orderFor(order, await findCommand(order), { folder, scratch, env: process.env, fence, hidden });
}

const isWithBroker = ({ state }: ExecCall) => state === 'running' || state === 'answered';

function childOf(agent: string, { pid, command, rssBytes }: Reading, call: ExecCall | undefined): ExecChild[] {
  return call?.agent === agent ? [{ pid, command, rssBytes, job: call.job, attempt: call.attempt }] : [];
}

function agentsOf(calls: readonly ExecCall[]): string[] {
  return [...new Set(calls.map(({ agent }) => agent))];
}

function leftOf({ agent, job, attempt, order }: ExecCall, count: number, processes: ProcessFacts[]): ExecLeft {
  return { agent, job, attempt, command: order.command, count, processes };
}
