import type { Agent, AgentWebhook } from '../../jobs/agent.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { Fault } from '../../kernel/fault.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import type { Time } from '../../kernel/time.ts';

/** Holds each agent to the deliveries that it takes in a minute, and to the jobs that may wait for it. */
interface Intake {
  /** Counts a delivery whose sender is proven. Throws `HOOK_RATE` when there were too many. */
  count(agent: Taker): void;
  /** Lets one more job wait. Rejects with `HOOK_FULL` when too many do. */
  admit(agent: Taker): Promise<void>;
}

interface IntakeNeeds {
  time: Pick<Time, 'monotonic'>;
  store: Pick<JobRecords, 'count'>;
}

type Taker = Pick<Agent, 'name'> & { webhook: AgentWebhook };

/** The facts about one agent. Times are monotonic ms. */
interface Account {
  /** Deliveries that may come at once; grows with time up to a minute's share. */
  left: number;
  leftAt: number;
  /** Jobs that waited when the store was last asked, and those that were let in since. */
  waiting: number;
  countedAt: number;
}

/** The store is asked so often at most, whatever comes. */
const COUNT_EVERY_MS = 1_000;

export function createIntake({ time, store }: IntakeNeeds): Intake {
  const accounts = new Map<string, Account>();

  function accountOf({ name, webhook }: Taker): Account {
    const now = time.monotonic();
    const { perMinute } = webhook;
    const known = accounts.get(name) ?? { left: perMinute, leftAt: now, waiting: 0, countedAt: -COUNT_EVERY_MS };
    known.left = Math.min(perMinute, known.left + ((now - known.leftAt) * perMinute) / MINUTE_MS);
    known.leftAt = now;
    accounts.set(name, known);
    return known;
  }

  return {
    count(agent) {
      const account = accountOf(agent);
      if (account.left < 1) {
        const message = `${agent.name} takes ${agent.webhook.perMinute} deliveries a minute`;
        throw new Fault({ code: 'HOOK_RATE', message, next: 'send it again in a minute' });
      }
      account.left -= 1;
    },
    async admit(agent) {
      const { name, webhook } = agent;
      const account = accountOf(agent);
      if (time.monotonic() - account.countedAt >= COUNT_EVERY_MS) {
        account.countedAt = time.monotonic();
        const counted = await store.count({ agent: name, states: ['queued', 'retrying'] });
        account.waiting = counted.reduce((sum, { count }) => sum + count, 0);
      }
      if (account.waiting >= webhook.maxWaiting) {
        const { maxWaiting: most } = webhook;
        const message = most === 1 ? `1 job of ${name} waits already` : `${most} jobs of ${name} wait already`;
        throw new Fault({ code: 'HOOK_FULL', message, next: 'send it again when it has worked on them' });
      }
      account.waiting += 1;
    },
  };
}
