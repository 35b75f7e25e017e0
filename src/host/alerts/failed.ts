import type { Job } from '../../jobs/model.ts';
import type { AgentOverview, JobRecords } from '../../jobs/ports.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { subject } from '../../kernel/subjects.ts';
import type { AlertTrouble } from '../../telemetry/alerts/ports.ts';
import { gaveUpWords } from '../api/agent-state.ts';
import type { AgentStatus } from '../api/states.ts';

/** An agent whose work was not done: jobs of it gave up, or it runs always and does not run. */
export interface FailedAgent {
  name: string;
  /** The newest dead letter, or the run. */
  job: string;
  /** A sentence. */
  why: string;
  /** Dead letters, which wait until somebody replays or drops them. */
  dead: number;
  /** The newest job that ended is done: only the dead letters are left. */
  isBack: boolean;
  /** Epoch ms; null: not known. */
  since: number | null;
  /** The error of the newest dead letter, or of the run that ended. */
  error: PlainFault | null;
}

/** Jobs that carry alerts begin their keys so: their channel tells of them. */
const OF_ALERTS = /^alert(?:-test)?:/;
/** An agent that runs always is believed to be back after so long. */
const BACK_AFTER_MS = MINUTE_MS;

/**
 * The agents that have dead letters, and those that run always and are down, whatever else they do meanwhile: a dead letter is not done
 * because a later job is. Agents that are off are left out.
 */
export async function failedAgents(
  statuses: ReadonlyMap<string, Pick<AgentStatus, 'state' | 'why' | 'overview'>>,
  store: Pick<JobRecords, 'list'>,
  now: number,
): Promise<FailedAgent[]> {
  const found = [...statuses].map(async ([name, { state, why, overview }]) => {
    if (state === 'off' || !overview || isDrillAgent(name)) return undefined;
    return overview.dead > 0 ? ofDeadLetters(name, overview, store) : ofAlways(name, { state, why, overview }, now);
  });
  return (await Promise.all(found)).filter((one) => one !== undefined);
}

async function ofDeadLetters(
  name: string,
  { ended, dead }: AgentOverview,
  store: Pick<JobRecords, 'list'>,
): Promise<FailedAgent | undefined> {
  const isBack = ended?.state !== 'dead';
  const newest = isBack ? (await store.list({ agent: name, states: ['dead'], limit: 1 }))[0] : ended;
  if (!newest || OF_ALERTS.test(newest.key ?? '')) return undefined;
  return {
    name,
    job: newest.id,
    why: gaveUpWords(newest),
    dead,
    isBack,
    since: newest.finishedAt,
    error: newest.error,
  };
}

function ofAlways(
  name: string,
  { state, why, overview }: Pick<AgentStatus, 'state' | 'why'> & { overview: AgentOverview },
  now: number,
): FailedAgent | undefined {
  const { newest } = overview;
  if (newest?.trigger !== 'always' || (state !== 'failed' && !isOnTrial(newest, now))) return undefined;
  return { name, job: newest.id, why, dead: 0, isBack: false, since: null, error: newest.error };
}

/** A run that was started after one that failed, a moment ago. */
function isOnTrial({ state, cause, startedAt }: Job, now: number): boolean {
  return state === 'running' && cause !== null && now - (startedAt ?? now) < BACK_AFTER_MS;
}

/** The trouble of a failed agent. */
export function failedTrouble({ name, job, why, dead, isBack, since }: FailedAgent, now: number): AlertTrouble {
  const [jobs, wait] = dead === 1 ? ['the job', 'dead letter waits'] : [`the ${dead} jobs`, 'dead letters wait'];
  return {
    ...given({ newestAt: since ?? undefined }),
    ...{ fingerprint: `failed:${name}`, severity: 'open', agent: name, since: since ?? now, needsPerson: true },
    title: isBack ? `${name} has ${dead} dead ${dead === 1 ? 'letter' : 'letters'}` : `${name} has failed`,
    seen: [oneLine(why), ...(dead > 1 ? [`${dead} ${wait}`] : []), ...(isBack ? ['later jobs are done'] : [])].join(
      '; ',
    ),
    ...{ cameOf: [subject.job(job)], done: ['its attempts are used up'], culprit: null, incident: null, parent: null },
    left: dead === 0 ? 'mend the cause' : `mend the cause, then run ${jobs} again${dead > 1 ? ', or drop them' : ''}`,
    next: dead === 0 ? `daruma logs ${name}` : `daruma jobs ${name} --state dead; daruma replay --agent ${name}`,
  };
}
