import { randomBytes } from 'node:crypto';
import { Fault } from '../../kernel/fault.ts';
import { isoOf } from '../../kernel/instant.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { sha256 } from '../../kernel/sha256.ts';
import type { Time } from '../../kernel/time.ts';
import type { PlannedAct } from '../../operations/planned-acts.ts';
import { readArgs } from '../../operations/table.ts';
import type { OpCall, Operations, OpTable } from '../api/handlers.ts';
import type { Actor, Audit } from '../audit.ts';
import { type AskRead, type PlanFacts, planFacts } from './plan-facts.ts';

/** Plans of acts. The host's memory holds them: another host knows none, and no client can make one up. */
interface Plan {
  act: PlannedAct;
  /** As its maker gave them. */
  args: unknown;
  confirm: string;
  fingerprint: string;
  /** The client that made the plan. */
  by: Actor;
  until: number;
}

interface PlansNeeds {
  time: Time;
  audit: Pick<Audit, 'of'>;
  operations(): Operations;
}

/** Within which a plan can be applied. */
const GOOD_FOR_MS = 5 * MINUTE_MS;
/** The oldest plan goes for a new one. */
const MOST_PLANS = 100;
/** A call of this process itself: none asks for acts. */
const NOBODY: Actor = { via: 'host', who: 'host', role: 'reader' };

/** The operations `plan` and `apply`. */
export function planOps({ time, audit, operations }: PlansNeeds): Pick<OpTable, 'plan' | 'apply'> {
  const plans = new Map<string, Plan>();

  function factsOf(act: PlannedAct, args: unknown, call: OpCall): Promise<PlanFacts> {
    const ask = ((op, asked) => operations().ask(op, asked, call)) as AskRead;
    return planFacts(act, readArgs(act, args), ask);
  }

  function keep(plan: Plan): string {
    const token = randomBytes(32).toString('base64url');
    for (const [hash, { until }] of plans) if (until <= time.now()) plans.delete(hash);
    const [oldest] = plans.keys();
    if (plans.size >= MOST_PLANS) plans.delete(oldest!);
    plans.set(sha256(token), plan);
    return token;
  }

  async function carryOut(plan: Plan, call: OpCall): Promise<unknown> {
    const { fingerprint } = plan;
    if (fingerprintOf(await factsOf(plan.act, plan.args, call)) !== fingerprint) throw stale(plan.confirm);
    return operations().ask(plan.act, plan.args, call);
  }

  return {
    async plan({ act, args = {} }, call) {
      const facts = await factsOf(act, args, call);
      const { confirm, would, evidence } = facts;
      const until = time.now() + GOOD_FOR_MS;
      const token = keep({ act, args, confirm, fingerprint: fingerprintOf(facts), by: call.by?.() ?? NOBODY, until });
      return { act, args: readArgs(act, args), confirm, would, evidence, token, until: isoOf(until) };
    },

    async apply({ token, confirm }, call) {
      const plan = plans.get(sha256(token));
      // A token of somebody else is not known to this client, and stays good.
      if (!plan || plan.until <= time.now() || !isSame(plan.by, call.by?.() ?? NOBODY)) throw planUnknown();
      if (plan.confirm !== confirm) throw notConfirmed();
      plans.delete(sha256(token));
      const { act, args, by } = plan;
      const value = await audit.of(() => by, { operation: act, args }, carryOut(plan, call));
      return { act, confirm, value };
    },
  };
}

function isSame(one: Actor, other: Actor): boolean {
  return one.via === other.via && one.who === other.who && one.role === other.role;
}

/** Equal for two plans of the same act on the same state. */
function fingerprintOf({ confirm, state }: PlanFacts): string {
  return sha256(JSON.stringify([confirm, state]));
}

function planUnknown(): Fault {
  const message = 'no plan has this token: it was used, is older than five minutes, or this host never made it';
  return new Fault({ code: 'PLAN_UNKNOWN', message, next: 'plan again, and read what it says' });
}

function notConfirmed(): Fault {
  const message = 'the sentence is not that of the plan, so nothing was done';
  return new Fault({ code: 'PLAN_NOT_CONFIRMED', message, next: "hand over the plan's `confirm`, word for word" });
}

function stale(confirm: string): Fault {
  const message = `what the plan is about has changed since, so nothing was done: ${confirm}`;
  return new Fault({ code: 'PLAN_STALE', message, next: 'plan again, and read what it says now' });
}
