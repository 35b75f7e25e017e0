import type { PlainFault } from '../../kernel/fault.ts';
import { originOf } from '../../kernel/origin.ts';
import type { Rung } from '../../kernel/rung.ts';
import type { Time } from '../../kernel/time.ts';
import type { Origins } from '../origins/ports.ts';
import { CHECK_JOB, CHECK_WORKER, modelsDown } from './faults.ts';
import type { CallEstimate, RungPass, SkippedRung, SpentTry } from './ports.ts';
import type { FromGateway, ToGateway } from './wire.ts';

type Message<Say extends FromGateway['say']> = Extract<FromGateway, { say: Say }>;

/** Decides on the calls of models: the budget of their agents, and the breaker of each provider's origin. */
interface ModelCalls {
  /** The message with the rungs that a call may try, or its refusal. */
  begin(message: Message<'begin'>): Promise<ToGateway>;
  pass(message: Message<'pass'>): ToGateway;
  tried(message: Message<'tried'>): void;
  /** The message that the call is settled. */
  end(message: Message<'end'>): Promise<ToGateway>;
  /** The gateway is gone, and with it all calls that were open. */
  lost(): void;
}

/** The money of calls: {@link ModelCalls} reserves before a call, and settles after it. */
export interface CallLedger {
  begin(call: {
    id: string;
    agent: string;
    estimate: CallEstimate;
    rungs: readonly { name: string; model: string }[];
  }): Promise<
    | { is: 'go'; go: readonly { name: string; money: number }[]; skipped: readonly SkippedRung[] }
    | { is: 'refused'; fault: PlainFault }
  >;
  /** Resolves with the money that the call has cost. */
  end(id: string, tries: readonly SpentTry[]): Promise<{ money: number }> | { money: number };
  /** The call has no end: the gateway is gone. `tries`: those that are known; `isOut`: one more may be out. */
  lost(id: string, tries: readonly SpentTry[], isOut: boolean): void;
}

interface ModelCallsNeeds {
  time: Pick<Time, 'now'>;
  rungs(): readonly Rung[];
  origins: Pick<Origins, 'admit' | 'callEnded' | 'stateOf'>;
  ledger: CallLedger;
  /** The agent of a worker that may ask; undefined: it is gone. */
  agentOf(worker: string): string | undefined;
  /** Whether the worker holds the attempt now. */
  holds(worker: string, ref: { job: string; attempt: number }): boolean;
  /** A call of the attempt was refused, or no rung has answered it. */
  refused(ref: { job: string; attempt: number }, agent: string, fault: PlainFault): void;
  /** A rung answered a call of the agent. */
  answered(agent: string): void;
  /** The agent on whose account the small calls are that prove a rung. */
  checker: string;
}

/** A call that is open, as the host knows it. */
interface OpenModelCall {
  agent: string;
  job: string;
  attempt: number;
  tries: SpentTry[];
}

export function createModelCalls(needs: ModelCallsNeeds): ModelCalls {
  const { time, origins, ledger } = needs;
  const calls = new Map<string, OpenModelCall>();

  function rungNamed(name: string): Rung | undefined {
    return needs.rungs().find((rung) => rung.name === name);
  }

  /** Lets a call out to a rung whose server was down: it is the probe. */
  function probe(rung: Rung, { agent, job, attempt }: OpenModelCall): { pass: number } | SkippedRung {
    const { name, url, timeoutMs, idleMs } = rung;
    const origin = originOf(url)!;
    const terms = { alone: true, timeoutMs: timeoutMs + idleMs, mayReach: () => true };
    const admission = origins.admit({ agent, job, attempt, origin, ...terms });
    if (admission.is === 'go') return { pass: admission.pass };
    return { name, why: `its server is down: ${admission.down.last}`, retryAt: admission.down.retryAt };
  }

  /** The rungs that the breakers let out; the probe of a server that was down is held by the first rung alone. */
  function letOut(call: OpenModelCall, paid: readonly { name: string; money: number }[]) {
    const rungs: RungPass[] = [];
    const skipped: SkippedRung[] = [];
    for (const { name, money } of paid) {
      const rung = rungNamed(name);
      if (!rung) continue;
      const state = origins.stateOf(originOf(rung.url)!);
      if (state.is === 'up') rungs.push({ name, money, pass: state.pass });
      else if (state.is === 'due' && rungs.length > 0) rungs.push({ name, money, pass: null });
      else {
        const found = probe(rung, call);
        if ('pass' in found) rungs.push({ name, money, pass: found.pass });
        else skipped.push(found);
      }
    }
    return { rungs, skipped };
  }

  function refuse(id: string, { agent, job, attempt }: OpenModelCall, fault: PlainFault): ToGateway {
    // A fault that says no time is the caller's: its job does not wait.
    if (job !== CHECK_JOB && (fault.data?.until ?? fault.data?.retryAt) !== undefined)
      needs.refused({ job, attempt }, agent, fault);
    return { do: 'refuse', id, fault };
  }

  return {
    async begin({ id, worker, job, attempt, rungs, skipped, estimate }) {
      const agent = worker === CHECK_WORKER ? needs.checker : needs.agentOf(worker);
      const isHeld = worker === CHECK_WORKER || needs.holds(worker, { job, attempt });
      if (agent === undefined || !isHeld) return { do: 'refuse', id, fault: attemptOver() };
      const call: OpenModelCall = { agent, job, attempt, tries: [] };
      if (rungs.length === 0) return refuse(id, call, modelsDown(skipped, time.now()));
      const spend = await ledger.begin({ id, agent, estimate, rungs });
      if (spend.is === 'refused') return refuse(id, call, spend.fault);
      calls.set(id, call);
      const out = letOut(call, spend.go);
      const all = [...skipped, ...spend.skipped, ...out.skipped];
      if (out.rungs.length > 0) return { do: 'go', id, rungs: out.rungs, skipped: [...spend.skipped, ...out.skipped] };
      calls.delete(id);
      await ledger.end(id, []);
      return refuse(id, call, modelsDown(all, time.now()));
    },
    pass({ id, rung: name }) {
      const call = calls.get(id);
      const rung = rungNamed(name);
      if (!call || !rung) return { do: 'pass', id, rung: name, pass: null, why: 'the call is unknown', retryAt: null };
      const found = probe(rung, call);
      if ('pass' in found) return { do: 'pass', id, rung: name, pass: found.pass, why: '', retryAt: null };
      return { do: 'pass', id, rung: name, pass: null, why: found.why, retryAt: found.retryAt };
    },
    tried({ id, rung: name, model, pass, end, verdict }) {
      const call = calls.get(id);
      const rung = rungNamed(name);
      if (!call || !rung) return;
      const origin = originOf(rung.url)!;
      origins.callEnded({ job: call.job, attempt: call.attempt, meant: origin, origin, pass, end });
      if (end.is !== 'gone')
        call.tries.push({ rung: name, model, usage: null, verdict, mayBeBilled: verdict === 'good' });
    },
    async end({ id, tries, down }) {
      const call = calls.get(id);
      calls.delete(id);
      if (!call) return { do: 'settled', id, money: 0 };
      if (down) refuse(id, call, down);
      else if (tries.at(-1)?.verdict === 'good') needs.answered(call.agent);
      const { money } = await ledger.end(id, tries);
      return { do: 'settled', id, money };
    },
    lost() {
      for (const [id, { tries }] of calls) ledger.lost(id, tries, true);
      calls.clear();
    },
  };
}

function attemptOver(): PlainFault {
  return { code: 'ATTEMPT_OVER', message: 'the attempt of this key does not run', next: 'ask within the attempt' };
}
