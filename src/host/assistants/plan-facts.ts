import type { AgentView, JobView } from '../../control/protocol.ts';
import { Fault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { PlannedAct } from '../../operations/planned-acts.ts';
import type { Op, Ops } from '../../operations/table.ts';

/** The facts of an act before it is done. Sentences hold names and figures only, no text of plugins. */
export interface PlanFacts {
  /** The act in one sentence. */
  confirm: string;
  /** The acts that would be done, in sentences. */
  would: string[];
  /** Agents, jobs and incidents that the act is about. */
  evidence: string[];
  /** The subject of the act, as it is now: an act is refused when this has changed. Plain data. */
  state: unknown;
}

/** Asks an operation that reads. */
export type AskRead = <O extends Op>(op: O, args: Ops[O]['args']) => Promise<Ops[O]['value']>;

type FactsOf<A extends PlannedAct> = (args: Ops[A]['read'], ask: AskRead) => Promise<PlanFacts>;

const MOST_NAMED = 20;
const LONGEST_INPUT = 200;
/** States of an agent that stay until somebody does something; others come and go with each job. */
const LASTING: readonly AgentView['state'][] = ['paused', 'quarantined', 'failed', 'off', 'needs setup', 'done'];

/** Asks for the facts of an act. Rejects with the fault of the operation when what it is about is not there. */
export function planFacts<A extends PlannedAct>(act: A, args: Ops[A]['read'], ask: AskRead): Promise<PlanFacts> {
  return (FACTS[act] as FactsOf<A>)(args, ask);
}

const FACTS: { [A in PlannedAct]: FactsOf<A> } = {
  async run({ agent, input, key, attempts }, ask) {
    const found = await agentNow(agent, ask);
    const withInput = input === undefined ? '' : ` with ${cut(JSON.stringify(input), LONGEST_INPUT)}`;
    const held = LASTING.includes(found.state)
      ? [`${agent} is ${found.state} now: the job may wait, or be refused`]
      : [];
    const keyed = key === undefined ? [] : [`a job that has the key already is the answer, and nothing is queued`];
    const tries = attempts === undefined ? '' : `, with ${attempts} attempts at most`;
    return {
      confirm: `run ${agent}${withInput}`,
      would: [`one job of ${agent} is queued, on version ${found.version ?? 'none'}${tries}`, ...held, ...keyed],
      evidence: [agent],
      state: lastingOf(found),
    };
  },

  async pause({ agent, forMs }, ask) {
    const found = await agentNow(agent, ask);
    const howLong = forMs === undefined ? 'until it is resumed' : `for ${formatDuration(forMs)}`;
    const next = found.nextSlot === null ? 'no slot is planned' : `its next slot is at ${found.nextSlot}`;
    return {
      confirm: `pause ${agent} ${howLong}`,
      would: [
        `${agent} starts no more jobs ${howLong}; a running attempt goes on`,
        `slots of that time are skipped: ${next}`,
        `jobs that wait now: ${found.waiting ?? found.queued}`,
      ],
      evidence: [agent],
      state: lastingOf(found),
    };
  },

  async resume({ agent }, ask) {
    const found = await agentNow(agent, ask);
    const open = await ask('incidents', { agent, open: true, limit: MOST_NAMED });
    const isHeld = found.state === 'paused' || found.state === 'quarantined';
    return {
      confirm: `resume ${agent}`,
      would: [
        isHeld
          ? `${agent}, which is ${found.state}, starts jobs again`
          : `${agent} is ${found.state}: nothing holds it`,
        `jobs that wait now: ${found.waiting ?? found.queued}`,
      ],
      evidence: [agent, ...open.map(({ id }) => id)],
      state: { ...lastingOf(found), open: open.map(({ id }) => id) },
    };
  },

  async restart({ agent, now }, ask) {
    const found = await agentNow(agent, ask);
    const running = await ask('jobs', { agent, states: ['running'], limit: MOST_NAMED });
    const ids = running.map(({ id }) => id);
    return {
      confirm: `give ${agent} clean workers${now ? ', now' : ''}`,
      would: [
        `workers of ${agent} that go: ${found.workers.now}`,
        ids.length === 0
          ? 'no job of it runs'
          : `${ids.join(', ')} ${now ? 'is stopped and run again, and loses no attempt' : 'ends first'}`,
      ],
      evidence: [agent, ...ids],
      state: { ...lastingOf(found), workers: found.workers.now },
    };
  },

  async rollback({ agent, version, force, latest }, ask) {
    const found = await agentNow(agent, ask);
    const { versions } = await ask('versions', { plugin: found.plugin });
    if (version !== undefined && !versions.some(({ id }) => id.startsWith(version))) throw versionUnknown(version);
    const target = latest
      ? 'its newest files'
      : version === undefined
        ? 'the good version before'
        : `version ${version}`;
    return {
      confirm: `roll ${agent} back to ${target}${force ? ', even if that is known to be bad' : ''}`,
      would: [
        `new jobs of ${agent} run on ${target} instead of ${found.version ?? 'none'} (${found.rollout ?? 'good'})`,
        `kept versions, newest first: ${versions
          .slice(0, MOST_NAMED)
          .map(({ id, rollout }) => `${id.slice(0, 8)} ${rollout}`)
          .join(', ')}`,
      ],
      evidence: [agent],
      state: { ...lastingOf(found), versions: versions.map(({ id, rollout }) => [id, rollout]) },
    };
  },

  async cancel({ id }, ask) {
    const job = await ask('job', { id });
    const running = job.state === 'running' ? '; its attempt is stopped' : '';
    return {
      confirm: `cancel ${job.id} of ${job.agent}`,
      would: [`${job.id}, which is ${job.state}, ends for good${running}`],
      evidence: [job.agent, job.id],
      state: jobState(job),
    };
  },

  replay: (args, ask) =>
    endedJobs('replay', args, ask, 'runs again, from its first attempt; effects of once() stay done'),
  drop: (args, ask) => endedJobs('drop', args, ask, 'is given up for good'),

  async ack({ id, note }, ask) {
    const incident = await ask('incident', { id });
    const { agent, state, remedies, endedAt } = incident;
    return {
      confirm: `acknowledge ${incident.id}${note === undefined ? '' : ' with a note'}`,
      would: [
        endedAt === null
          ? `${incident.id} (${incident.verdict}), which is ${state}, is closed; nothing else is mended by that`
          : `${incident.id} has ended already and only gets the note`,
      ],
      evidence: [incident.id, ...(agent === null ? [] : [agent]), ...incident.jobs.slice(0, MOST_NAMED)],
      state: [state, remedies.length, endedAt],
    };
  },
};

async function endedJobs<A extends 'replay' | 'drop'>(
  act: A,
  args: Ops[A]['read'],
  ask: AskRead,
  what: string,
): Promise<PlanFacts> {
  const { id, agent, cause } = args;
  const { count, jobs } = await ask(act, { ...args, dryRun: true } as Ops[A]['args']);
  const of = given({ agent, cause });
  const set = Object.entries(of).map(([name, value]) => `${name} ${value}`);
  const one = id === undefined ? undefined : await ask('job', { id });
  return {
    confirm: one ? `${act} ${one.id} of ${one.agent}` : `${act} ${count} jobs of ${set.join(', ')}`,
    would: [`${one ? `${one.id}, which is ${one.state},` : `each of ${count} jobs`} ${what}`],
    evidence: [...(agent === undefined ? [] : [agent]), ...jobs.slice(0, MOST_NAMED)],
    state: [count, jobs, one && jobState(one)],
  };
}

async function agentNow(agent: string, ask: AskRead): Promise<AgentView> {
  const { agents } = await ask('status', { agent });
  return agents[0]!;
}

/** The facts of an agent that stay between two jobs, and decides about an act. */
function lastingOf({ name, version, rollout, state }: AgentView) {
  return { name, version, rollout: rollout ?? null, state: LASTING.includes(state) ? state : 'at work' };
}

function jobState({ id, state, attempt }: JobView) {
  return [id, state, attempt];
}

/** On one line and in ASCII: a sentence that is to be repeated has no sign that is not seen. */
function cut(text: string, most: number): string {
  const line = oneLine(text).replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return line.length > most ? `${line.slice(0, most)}… (${line.length} characters)` : line;
}

function versionUnknown(version: string): Fault {
  const message = `no version ${cut(version, 20)} is kept`;
  return new Fault({ code: 'VERSION_UNKNOWN', message, next: 'daruma versions' });
}
