import { createInputCheck } from '../../catalog/files/input-check.ts';
import type { Catalog } from '../../catalog/ports.ts';
import type { DeliveryHeaders, TakenDelivery } from '../../control/web-channel.ts';
import type { Pressure } from '../../healing/pressure/pressure.ts';
import type { Agent, AgentWebhook } from '../../jobs/agent.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { Added } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { debouncedBy } from '../../kernel/debounce.ts';
import { Fault, type PlainFault, toPlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import type { Time } from '../../kernel/time.ts';
import { formatSize } from '../../kernel/units.ts';
import type { Events } from '../../telemetry/events.ts';
import { toJson } from '../../workers/inside/json.ts';
import type { HoldUps } from '../api/hold-ups.ts';
import { mustTakeSend } from '../pressure.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { createIntake } from './intake.ts';
import { isForm, type ReadDelivery, readDelivery } from './parse.ts';
import type { Refusals } from './refusals.ts';
import { checkSignature, type Unproven } from './signatures.ts';

/** A delivery as the web process hands it on. */
interface HandedOn {
  agent: string;
  headers: DeliveryHeaders;
  /** base64. */
  body: string;
}

/** Deliveries of one kind that proved nothing, since the host started. */
interface UnprovenCount {
  /** Null: there is no agent of the name, which is not kept: strangers choose it. */
  agent: string | null;
  reason: Unproven | 'no such agent' | 'no webhook' | 'secret missing';
  count: number;
  /** Epoch ms. */
  lastAt: number;
}

/** Takes deliveries of other programs: each one whose sender is proven becomes one job. */
export interface Hooks {
  /**
   * Resolves when the job is on disk. Rejects with `HOOK_UNKNOWN` for a delivery that proves nothing, the same for each cause; with
   * `HOOK_TOO_LONG`, `HOOK_TYPE`, `HOOK_BODY`, `HOOK_KEY`, `INPUT_INVALID`, `TOO_LARGE` for one that can be no job; with `HOOK_RATE`
   * and `HOOK_FULL` for one to be sent again later.
   */
  take(delivery: HandedOn): Promise<TakenDelivery>;
  /**
   * Gives an agent a refused delivery once more, with the signature that held when it came; resolves with the id of its job. Rejects with
   * `DELIVERY_UNKNOWN` for one that is not kept or proved nothing, and as `take` does.
   */
  again(refusal: string): Promise<string>;
  /** Most recent first. */
  unproven(): UnprovenCount[];
  /** The number of deliveries since the host started, by agent and what came of them. */
  outcomes(): DeliveryCount[];
}

/** Deliveries to an agent with one outcome, counted since the host started. */
interface DeliveryCount {
  /** Null: there is no agent of the name. */
  agent: string | null;
  outcome: TakenDelivery['is'] | 'refused';
  /** Why they were refused: the code of the fault, or why they proved nothing; else empty. */
  reason: string;
  count: number;
}

interface HooksNeeds {
  time: Pick<Time, 'now' | 'monotonic'>;
  catalog: Pick<Catalog, 'agents'>;
  secrets: Pick<Secrets, 'webhookValues'>;
  store: Pick<JobRecords, 'count'>;
  jobs: Pick<Jobs, 'add'>;
  events: Pick<Events, 'record'>;
  holdUpsOf: HoldUps;
  pressure: Pick<Pressure, 'facts'>;
  refusals: Refusals;
}

/** An agent that takes deliveries. */
type Taker = Agent & { webhook: AgentWebhook };

/** The kind of event that a delivery is which a proven sender sent and no job came of. */
const REFUSED_DELIVERY_EVENT = 'delivery.refused';
export const ANSWERED_DELIVERY_EVENT = 'delivery.answered';

/** A delivery to nobody takes as long as one that is signed wrongly. */
const NOBODY: readonly string[] = ['nobody'];

export function createHooks(needs: HooksNeeds): Hooks {
  const { time, catalog, secrets, jobs, events, refusals } = needs;
  const inputCheck = createInputCheck();
  const intake = createIntake(needs);
  const counts = new Map<string, UnprovenCount>();
  const outcomes = new Map<string, DeliveryCount>();

  /** The agent that the sender has proven to share a secret with. Throws `HOOK_UNKNOWN`. */
  function proven({ agent: name, headers }: HandedOn, body: Uint8Array): Taker {
    const agent = catalog.agents().get(name);
    const webhook = agent?.webhook;
    const values = webhook ? secrets.webhookValues(agent) : [];
    const known = values.length > 0 ? values : NOBODY;
    const wrong = checkSignature(webhook?.form ?? 'github', known, { headers, body }, time.now());
    const reason = !agent ? 'no such agent' : !webhook ? 'no webhook' : values.length === 0 ? 'secret missing' : wrong;
    if (!reason) return agent as Taker;
    count(agent ? name : null, reason);
    // The answer waits for no disk: its time would tell whether this was written or only counted.
    void refusals.keep({ agent: agent ? name : null, reason, message: reason, headers }, body, false);
    throw new Fault(hookUnknown());
  }

  function count(agent: string | null, reason: UnprovenCount['reason']) {
    const key = `${agent} ${reason}`;
    const before = counts.get(key)?.count ?? 0;
    counts.set(key, { agent, reason, count: before + 1, lastAt: time.now() });
    countOutcome(agent, 'refused', reason);
  }

  function countOutcome(agent: string | null, outcome: DeliveryCount['outcome'], reason = '') {
    const key = `${agent} ${outcome} ${reason}`;
    outcomes.set(key, { agent, outcome, reason, count: (outcomes.get(key)?.count ?? 0) + 1 });
  }

  /** Puts the job of a delivery on disk. */
  async function queue(agent: Taker, read: ReadDelivery, text: string): Promise<Added> {
    mustTakeSend(needs.pressure, { how: 'this delivery is', to: [agent] });
    await intake.admit(agent);
    const { staleAfterMs, attempts } = agent.limits;
    const key = read.key ?? undefined;
    const job = { agent: agent.name, trigger: 'webhook' as const, input: text, attempts };
    const [added] = await jobs.add([{ ...job, ...given({ key, staleAfterMs }), ...debouncedBy(agent.debounce, text) }]);
    return added!;
  }

  /** A delivery whose sender is proven, as a job. */
  async function accept(
    agent: Taker,
    { headers }: Pick<HandedOn, 'headers'>,
    body: Uint8Array,
  ): Promise<TakenDelivery> {
    const { form, maxBodyBytes, key } = agent.webhook;
    if (body.byteLength > maxBodyBytes) throw new Fault(tooLong(maxBodyBytes));
    const read = readDelivery({ form, headers, body, key });
    const { event, delivery } = read.input;
    // Slack shows a person what the answer to a form says.
    const quiet = form === 'slack' ? { reply: isForm(headers['content-type']) ? '' : { ok: true } } : {};
    if (read.reply !== undefined) {
      const message = `${agent.name} was asked by ${form} whether it is there (${event})`;
      events.record('info', { kind: ANSWERED_DELIVERY_EVENT, agent: agent.name, message, data: { event, delivery } });
      return { is: 'answered', job: null, state: null, delivery, note: null, reply: read.reply };
    }
    const text = toJson(read.input, 'the delivery', 'input')!;
    const wrong = inputCheck(agent, text);
    if (wrong) throw new Fault(wrong);
    const { id, first } = await queue(agent, read, text);
    if (first && !first.tookOver)
      return { is: 'repeated', job: id, state: first.state, delivery, note: null, ...quiet };
    const runAt = time.now() + (agent.debounce?.periodMs ?? 0);
    const waits = { id, agent: agent.name, state: 'queued', runAt, error: null, priority: 0, input: text } as const;
    const [holdUp] = await needs.holdUpsOf([waits]);
    return { is: 'queued', job: id, state: 'queued', delivery, note: holdUp?.text ?? null, ...quiet };
  }

  return {
    async take(handed) {
      const body = Buffer.from(handed.body, 'base64');
      const agent = proven(handed, body);
      try {
        intake.count(agent);
        const taken = await accept(agent, handed, body);
        countOutcome(agent.name, taken.is);
        return taken;
      } catch (thrown) {
        if (!(thrown instanceof Fault)) throw thrown;
        const { code, message } = thrown.plain;
        countOutcome(agent.name, 'refused', code);
        recordRefusal(events, agent, handed, body.byteLength, toPlainFault(thrown));
        await refusals.keep({ agent: agent.name, reason: code, message, headers: handed.headers }, body, true);
        throw thrown;
      }
    },
    async again(id) {
      const refusal = await refusals.get(id);
      if (!refusal) throw new Fault(notKept(id));
      const agent = catalog.agents().get(refusal.agent!);
      if (!agent?.webhook) throw new Fault(noTaker(refusal.agent!));
      const { job } = await accept(agent as Taker, { headers: refusal.headers }, refusal.body);
      if (job === null) throw new Fault(notKept(id));
      await refusals.remove(id);
      return job;
    },
    outcomes: () => [...outcomes.values()],
    unproven: () => [...counts.values()].sort((a, b) => b.lastAt - a.lastAt),
  };
}

/** Refusals that only say `later` are many and mean little: the sender is told, and nobody else. */
const LATER = /^(?:HOOK_RATE|HOOK_FULL|STORE_.*)$/;

function recordRefusal(
  events: Pick<Events, 'record'>,
  agent: Taker,
  { headers }: HandedOn,
  bytes: number,
  { code, message }: PlainFault,
): void {
  if (LATER.test(code)) return;
  const event = headers['x-github-event'] ?? null;
  const delivery = headers['x-github-delivery'] ?? headers['idempotency-key'] ?? null;
  events.record('warn', {
    kind: REFUSED_DELIVERY_EVENT,
    agent: agent.name,
    message: `a delivery to ${agent.name} was refused: ${message}`,
    data: { code, reason: message, event, delivery, type: headers['content-type'] ?? null, bytes },
  });
}

function hookUnknown(): PlainFault {
  const message = 'no webhook takes this delivery: there is none of that name, or its secret has not signed it';
  return { code: 'HOOK_UNKNOWN', message, next: 'daruma deliveries, where Daruma runs, says which' };
}

function notKept(id: string): PlainFault {
  const message = `${id} is no delivery that is kept with its body: of those that prove nothing, none is`;
  return { code: 'DELIVERY_UNKNOWN', message, next: 'daruma deliveries' };
}

function noTaker(agent: string): PlainFault {
  return { code: 'DELIVERY_UNKNOWN', message: `${agent} takes no deliveries any more`, next: `daruma status ${agent}` };
}

function tooLong(most: number): PlainFault {
  const message = `the body is longer than ${formatSize(most)}`;
  return { code: 'HOOK_TOO_LONG', message, next: 'webhook.maxBody of the agent, at most 1MB' };
}
