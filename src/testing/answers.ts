import { Fault } from '../kernel/fault.ts';
import { notInNeeds } from '../kernel/needs-fault.ts';
import type { ExecResult, SentJob } from '../plugin/context.ts';
import type { Admission, WorkerCall } from '../workers/ports.ts';
import type { HttpAnswers } from './http.ts';
import type { Effect, Ran, RunOptions, Sent } from './ports.ts';

/** What the host and its store would answer to one attempt, kept in memory, with the same meaning. */
export interface Answers {
  answer(call: WorkerCall): Promise<unknown>;
  did(): Pick<Ran, 'sends' | 'events' | 'effects' | 'stateAfter'>;
  /** The most that its worker told to hold. */
  peakBytes(): number;
}

export function createAnswers(options: RunOptions, http: HttpAnswers, grants: readonly string[]): Answers {
  const sends: Sent[] = [];
  const events: { topic: string; data: unknown }[] = [];
  const effects = new Map<string, Effect>(Object.entries(structuredClone(options.effects ?? {})));
  const state = new Map(Object.entries(options.state ?? {}).map(([key, value]) => [key, JSON.stringify(value)]));
  let peakBytes = 0;

  function send({ to, input, key, ...rest }: Extract<WorkerCall, { ask: 'send' }>): SentJob {
    const former = key === undefined ? undefined : sends.find((one) => one.agent === to && one.key === key);
    const same = (one: unknown) => JSON.stringify(one) === JSON.stringify(jsonOf(input));
    if (former) return { id: former.id, isNew: false, state: 'queued', sameInput: same(former.input) };
    const { afterMs, priority, staleAfterMs } = rest;
    const id = `sent-${sends.length + 1}`;
    sends.push({
      id,
      agent: to,
      input: jsonOf(input),
      ...(key === undefined ? {} : { key }),
      ...(afterMs === undefined ? {} : { afterMs }),
      ...(priority === undefined ? {} : { priority }),
      ...(staleAfterMs === undefined ? {} : { staleAfterMs }),
    });
    return { id, isNew: true, state: 'queued', sameInput: true };
  }

  function beginEffect(key: string) {
    const known = effects.get(key);
    if (known?.is === 'not-kept') return known;
    if (known?.is === 'done') return { is: 'done', result: JSON.stringify(known.result) ?? null };
    effects.set(key, { is: 'begun' });
    return { is: known ? 'unknown' : 'new' };
  }

  function endEffect(key: string, result: string | null, problem: string | undefined) {
    if (problem !== undefined) effects.set(key, { is: 'not-kept', problem });
    else effects.set(key, result === null ? { is: 'done' } : { is: 'done', result: JSON.parse(result) });
  }

  async function exec(call: Extract<WorkerCall, { ask: 'exec' }>): Promise<ExecResult> {
    const { command, args, input } = call;
    if (!grants.some((one) => one === '*' || one === command || one.endsWith(`/${command}`))) {
      throw new Fault(notInNeeds({ agent: call.agent, need: 'exec', asked: command }));
    }
    if (!options.exec) return refuse(`exec(${[command, ...args].join(' ')})`, 'exec: (command, args) => …');
    const said = await options.exec(command, args, input);
    const result = { code: 0, signal: null, stdout: '', stderr: '', truncated: false, tookMs: 0 };
    return typeof said === 'string' ? { ...result, stdout: said } : { ...result, ...said };
  }

  async function answer(call: WorkerCall): Promise<unknown> {
    switch (call.ask) {
      case 'beginEffect':
        return beginEffect(call.key);
      case 'endEffect':
        return endEffect(call.key, call.result, call.problem);
      case 'dropEffect':
        return void effects.delete(call.key);
      case 'getState':
        return state.get(call.key);
      case 'setState':
        return void state.set(call.key, call.value);
      case 'deleteState':
        return void state.delete(call.key);
      case 'stateKeys':
        return [...state.keys()].sort();
      case 'send':
        return send(call);
      case 'emit':
        events.push({ topic: call.topic, data: jsonOf(call.data) });
        return 0;
      case 'fleetReport': {
        const { report } = options.fleet ?? {};
        const { from, to } = call;
        const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
        return typeof report === 'function' ? report(period) : (report ?? refuse('fleet.report', 'fleet: { report }'));
      }
      case 'fleetHealth':
        return options.fleet?.health ?? refuse('fleet.health', 'fleet: { health }');
      case 'storeFile':
        return options.fleet?.storeFile ?? refuse('fleet.storeFile', 'fleet: { storeFile }');
      case 'fleetParts':
        return options.fleet?.parts ?? refuse('fleet.parts', 'fleet: { parts }');
      case 'admit': {
        // Nothing is down in a test. What is answered from records is asked once: a pause would make it no better.
        const attempts = options.http === 'real' ? 3 : 1;
        const timeoutMs = call.timeoutMs ?? 30_000;
        return {
          is: 'go',
          origin: call.origin,
          pass: 0,
          credentials: true,
          attempts,
          timeoutMs,
          patienceMs: 30_000,
        } satisfies Admission;
      }
      case 'fetched':
        return null;
      case 'fetch':
        return http.answer(call.request);
      case 'held':
        peakBytes = Math.max(peakBytes, call.bytes);
        return null;
      case 'exec':
        return exec(call);
      case 'stopExec':
        return null;
    }
  }

  return {
    answer,
    did: () => ({
      sends,
      events,
      effects: Object.fromEntries(effects),
      stateAfter: Object.fromEntries([...state].map(([key, text]) => [key, JSON.parse(text)])),
    }),
    peakBytes: () => peakBytes,
  };
}

function jsonOf(text: string | null): unknown {
  return text === null ? null : JSON.parse(text);
}

function refuse(what: string, option: string): never {
  const message = `the test does not say what ${what} answers`;
  throw new Fault({ code: 'NOT_IN_TEST', message, next: `give runPlugin ${option}` });
}
