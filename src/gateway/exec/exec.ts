import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ExecResult } from '../../plugin/context.ts';
import { findCommand } from './allowed.ts';
import { createBrokerSupervisor } from './broker-supervisor.ts';
import { type ExecCallFacts, nextCalls } from './calls.ts';
import { execFaults } from './faults.ts';
import { orderFor } from './order.ts';
import type { Exec, ExecAttempt, ExecChild, ExecNeeds, ExecOrder, ExecServiceOptions } from './ports.ts';
import { type BrokerEnd, type ChildRecord, envTagOf, type FromBroker, type StopWhy } from './wire.ts';

/** What the broker needs to kill everything when the host stops, after the grace. */
const STOP_MS = 2_000;

interface Call extends ExecCallFacts {
  order: ExecOrder;
  answer: PromiseWithResolvers<ExecResult>;
}

interface AttemptCalls {
  scratch: string;
  calls: Set<Call>;
  hasEnded: boolean;
}

type Reading = Extract<FromBroker, { say: 'readings' }>['children'][number];

/**
 * Runs commands in the broker, a process that is there only while it is needed. Whatever dies, nothing runs on: what an
 * attempt leaves is killed by the broker, what the host leaves by the broker, what the broker leaves by the next one.
 */
export function createExec(needs: ExecNeeds, options: ExecServiceOptions): Exec {
  const { time, log } = needs;
  const { folder, runFolder, atATime = 4, idleMs = 60_000, graceMs = 1_000, cgroups = true } = options;
  const installation = shortHash(options.folderId ?? folder);
  const scratch = join(runFolder, 'exec');
  const session = time.now().toString(36);
  const calls = new Map<string, Call>();
  const attempts = new Map<string, AttemptCalls>();
  let readings: Reading[] = [];
  let is: 'new' | 'running' | 'stopping' = 'new';
  let stopped: Promise<void> | undefined;
  let lastCall = 0;
  /** Called when the last call is gone. */
  let none: (() => void) | undefined;

  const brokerSupervisor = createBrokerSupervisor(
    { time, log, hear, lost, isBusy: () => calls.size > 0 },
    { installation, scratch, graceMs, cgroups, idleMs, cwd: runFolder, file: join(runFolder, 'children.jsonl') },
  );

  function hear(message: FromBroker) {
    switch (message.say) {
      case 'waiting':
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
      brokerSupervisor.tell({ do: 'open', mark: child.mark });
    } catch (error) {
      const call = calls.get(child.mark);
      if (call) fail(call, execFaults.unrecorded(call.order.command, (error as Error).message));
      brokerSupervisor.tell({ do: 'stop', mark: child.mark, why: 'stopped' });
    }
  }

  function ended(mark: string, end: BrokerEnd) {
    const call = calls.get(mark);
    if (!call) return;
    const { command, timeoutMs } = call.order;
    if (end.is === 'ended') settle(call, () => call.answer.resolve(end.result));
    else if (end.is === 'unstarted') fail(call, execFaults.unstarted(command, end.message));
    else if (end.why === 'timeout') fail(call, execFaults.timeout(command, timeoutMs!, end.result));
    else fail(call, stoppedFault(call));
  }

  function gone({ mark, left, names }: Extract<FromBroker, { say: 'gone' }>) {
    const call = calls.get(mark);
    brokerSupervisor.forget(mark);
    if (!call) return;
    const { agent, job, attempt, order } = call;
    if (left > 0) needs.left({ agent, job, attempt, command: order.command, count: left, processes: names });
    remove(call);
  }

  function lost(how: string) {
    readings = [];
    for (const call of [...calls.values()]) {
      if (call.state !== 'running' && call.state !== 'answered') continue;
      fail(call, execFaults.lost(call.order.command, how));
      remove(call);
    }
  }

  function settle(call: Call, answer: () => void) {
    if (call.state === 'answered') return;
    call.state = 'answered';
    answer();
    pump(call.agent);
  }

  function fail(call: Call, fault: Error) {
    settle(call, () => call.answer.reject(fault));
  }

  function stoppedFault({ order }: Call): Error {
    return is === 'running' ? execFaults.stopped(order.command) : execFaults.hostStops(order.command);
  }

  /** Nothing of it is left. */
  function remove(call: Call) {
    fail(call, stoppedFault(call));
    calls.delete(call.mark);
    readings = readings.filter(({ mark }) => mark !== call.mark);
    const key = keyOf(call);
    attempts.get(key)?.calls.delete(call);
    clear(key);
    if (calls.size > 0) return;
    brokerSupervisor.rest();
    none?.();
  }

  /** Deletes the scratch folder of an attempt that has ended and of which nothing is left. */
  function clear(key: string) {
    const attempt = attempts.get(key);
    if (!attempt?.hasEnded || attempt.calls.size > 0) return;
    attempts.delete(key);
    brokerSupervisor.tell({ do: 'clear', scratch: attempt.scratch });
  }

  function pump(agent: string) {
    if (is !== 'running') return;
    for (const call of nextCalls(calls.values(), agent, atATime)) void launch(call);
  }

  async function launch(call: Call) {
    call.state = 'preparing';
    try {
      const path = await findCommand(call.order);
      // It may have been stopped meanwhile.
      if ((call.state as string) !== 'preparing') return;
      const terms = { folder, scratch: attempts.get(keyOf(call))!.scratch, env: process.env };
      brokerSupervisor.tell({ do: 'run', mark: call.mark, order: orderFor(call.order, path, terms) });
      call.state = 'running';
    } catch (error) {
      fail(call, error as Error);
      remove(call);
    }
  }

  function stopCall(call: Call, why: StopWhy) {
    if (call.state === 'queued' || call.state === 'preparing') remove(call);
    else brokerSupervisor.tell({ do: 'stop', mark: call.mark, why });
  }

  function attemptOf(order: ExecOrder): AttemptCalls {
    const key = keyOf(order);
    const known = attempts.get(key);
    if (known) return known;
    const made = { scratch: join(scratch, shortHash(key)), calls: new Set<Call>(), hasEnded: false };
    attempts.set(key, made);
    return made;
  }

  async function end() {
    is = 'stopping';
    for (const call of [...calls.values()]) stopCall(call, 'ended');
    if (calls.size > 0) {
      const over = Promise.withResolvers<void>();
      none = over.resolve;
      const stop = time.after(graceMs + STOP_MS, over.resolve);
      await over.promise;
      none = undefined;
      stop();
    }
    await brokerSupervisor.end();
    for (const call of [...calls.values()]) remove(call);
    attempts.clear();
    readings = [];
    is = 'new';
  }

  return {
    async start() {
      await stopped;
      if (is !== 'new') return;
      is = 'running';
      await brokerSupervisor.start();
    },
    async stop() {
      if (is === 'new') return stopped;
      if (is !== 'stopping') stopped = end();
      await stopped;
    },
    // Without a broker nothing turns that could stand still.
    alive: () => (is === 'new' ? undefined : calls.size > 0 ? brokerSupervisor.heardAt() : time.monotonic()),
    run(order) {
      if (is !== 'running') return Promise.reject(execFaults.hostStops(order.command));
      const { agent, job, attempt, call } = order;
      const mark = envTagOf(installation, order, `${session}-${++lastCall}`);
      const answer = Promise.withResolvers<ExecResult>();
      const made: Call = { agent, job, attempt, call, mark, state: 'queued', order, answer };
      calls.set(mark, made);
      attemptOf(order).calls.add(made);
      pump(agent);
      return answer.promise;
    },
    stopOne(ref, number) {
      for (const call of attempts.get(keyOf(ref))?.calls ?? []) if (call.call === number) stopCall(call, 'stopped');
    },
    ended(refs) {
      if (attempts.size === 0) return;
      for (const ref of refs) {
        const key = keyOf(ref);
        const attempt = attempts.get(key);
        if (!attempt) continue;
        attempt.hasEnded = true;
        for (const call of [...attempt.calls]) stopCall(call, 'ended');
        clear(key);
      }
    },
    children(agent): ExecChild[] {
      return readings.flatMap(({ mark, pid, command, rssBytes }) => {
        const call = calls.get(mark);
        return call?.agent === agent ? [{ pid, command, rssBytes, job: call.job, attempt: call.attempt }] : [];
      });
    },
  };
}

function keyOf({ job, attempt }: ExecAttempt): string {
  return `${job}:${attempt}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
