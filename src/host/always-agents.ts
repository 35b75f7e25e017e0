import type { Catalog } from '../catalog/ports.ts';
import type { Healer } from '../healing/healer.ts';
import type { Agent } from '../jobs/agent.ts';
import { alwaysJob, STEADY_MS } from '../jobs/always.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { UNFINISHED } from '../jobs/model.ts';
import type { AttemptRef, JobRecords, Settlement } from '../jobs/ports.ts';
import { Fault, toPlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import type { Log } from '../kernel/log.ts';
import { createLoop } from '../kernel/loop.ts';
import { MINUTE_MS } from '../kernel/measures.ts';
import type { Service } from '../kernel/service.ts';
import type { Time } from '../kernel/time.ts';
import type { Heartbeats } from '../telemetry/heartbeats.ts';
import type { Placements } from './placements.ts';
import type { Probation } from './versions/probation.ts';

/**
 * Keeps the one job of each agent that runs always: it is there from the moment that the agent is, is taken back when the agent
 * runs always no more, and is made anew when somebody cancelled it. A run that is steady proves its agent well, as a
 * job that is done does for others, and once a minute again.
 */
export interface AlwaysAgents extends Service {
  /** The set of agents has changed. */
  soon(): void;
}

interface AlwaysAgentsNeeds {
  time: Time;
  log: Log;
  store: Pick<JobRecords, 'list'>;
  catalog: Pick<Catalog, 'agents'>;
  jobs: Pick<Jobs, 'add' | 'cancel' | 'redrive' | 'runs'>;
  placements: Pick<Placements, 'serving'>;
  healer: Pick<Healer, 'settled'>;
  probation: Pick<Probation, 'settled'>;
  heartbeats: Pick<Heartbeats, 'ran'>;
}

const EVERY_MS = 5_000;

export function createAlwaysAgents(needs: AlwaysAgentsNeeds): AlwaysAgents {
  const { time, log, store, catalog, jobs } = needs;
  /** The job of each agent that runs always, as far as this host knows. */
  const known = new Map<string, string>();
  /** When the run of a job was last reported as steady, monotonic ms. */
  const reported = new Map<string, number>();
  let hasLooked = false;

  const runsAlways = (name: string) => catalog.agents().get(name)?.always === true;

  /** Before this host: an agent may have changed while none ran. */
  async function findOlder() {
    if (hasLooked) return;
    const unfinished = await store.list({ states: [...UNFINISHED], limit: 1_000 });
    for (const { agent, id, trigger } of unfinished) if (trigger === 'always') known.set(agent, id);
    hasLooked = true;
  }

  async function keepJobs() {
    const names = [...catalog.agents().values()].filter(({ always }) => always).map(({ name }) => name);
    const gone = [...known].filter(([agent]) => !runsAlways(agent));
    for (const [agent, id] of gone) {
      await jobs.cancel(id, { code: 'CANCELLED', message: `${agent} does not run always any more` });
      known.delete(agent);
    }
    if (names.length === 0) return;
    const added = await jobs.add(names.map(alwaysJob));
    for (const [i, { id, first }] of added.entries()) {
      known.set(names[i]!, id);
      if (first?.state === 'dead') await jobs.redrive([id]);
    }
  }

  function reportSteady() {
    const runs = jobs.runs().filter(({ forMs }) => forMs >= STEADY_MS);
    const keys = new Set(runs.map(keyOf));
    for (const key of reported.keys()) if (!keys.has(key)) reported.delete(key);
    const now = time.monotonic();
    for (const run of runs) {
      if (now - (reported.get(keyOf(run)) ?? Number.NEGATIVE_INFINITY) < MINUTE_MS) continue;
      reported.set(keyOf(run), now);
      const { job, attempt, agent, forMs } = run;
      const fingerprint = needs.placements.serving(agent)?.fingerprint;
      const finishedAt = time.now();
      const startedAt = Math.round(finishedAt - forMs);
      const end: Settlement = { job, attempt, state: 'done', startedAt, finishedAt, ...given({ fingerprint }) };
      needs.healer.settled(end, agent);
      needs.probation.settled(end, agent);
      needs.heartbeats.ran(agent);
    }
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('agents that run always were not looked at', { fault: toPlainFault(error) }) },
    {
      everyMs: EVERY_MS,
      async turn() {
        reportSteady();
        await findOlder();
        await keepJobs();
      },
    },
  );
  return loop;
}

function keyOf({ job, attempt }: AttemptRef): string {
  return `${job} ${attempt}`;
}

/** Throws for an agent that runs always: it takes no jobs of others. */
export function mustTakeJobs({ name, always }: Pick<Agent, 'name' | 'always'>): void {
  if (!always) return;
  throw new Fault({
    code: 'AGENT_ALWAYS',
    message: `${name} runs always: it takes no jobs`,
    next: `daruma status ${name} shows its run; daruma pause ${name} stops it, and daruma resume ${name} starts it again`,
  });
}
