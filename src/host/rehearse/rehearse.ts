import type { RehearsalSide, RehearsedView } from '../../control/protocol.ts';
import type { Agent } from '../../jobs/agent.ts';
import type { Assignment, Job, Outcome } from '../../jobs/model.ts';
import type { EffectRecord, EffectStore, JobRecords, StateStore } from '../../jobs/ports.ts';
import { Fault, type PlainFault } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { isoOf } from '../../kernel/instant.ts';
import { type Difference, diffJson } from '../../kernel/json-diff.ts';
import type { PluginLine } from '../../kernel/log.ts';
import { MB } from '../../kernel/measures.ts';
import { notInNeeds } from '../../kernel/needs-fault.ts';
import { createScrubber, type Scrubber } from '../../kernel/scrub.ts';
import type { Time } from '../../kernel/time.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { hostAllowListOf, portOf } from '../../workers/host-allow-list.ts';
import type { AskedFetch, FetchAnswer } from '../../workers/rehearsal.ts';
import { viewJob } from '../api/views.ts';
import type { FleetView } from '../fleet.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { type Capture, createCapture } from './capture.ts';

const WITHIN_MS = 30_000;
/** An answer passes through the host, whose memory no answer shall fill. */
const MOST_BYTES = 8 * MB;

interface RehearseNeeds {
  time: Time;
  store: Pick<JobRecords, 'list'> & Pick<EffectStore, 'effectsOf'> & Pick<StateStore, 'getState' | 'stateKeys'>;
  agents(): ReadonlyMap<string, Agent>;
  fleet: FleetView;
  /** The installation. */
  folder: string;
  sandbox: Sandbox;
  secrets: Pick<Secrets, 'values' | 'missing' | 'seen'>;
}

/** A job, as far as its attempt is told. */
type RehearsedJob = Omit<Assignment, 'job' | 'agent'> & { id: string; startedAt: number | null };

interface RehearseTerms {
  last: number;
  live: boolean;
  /** Aborted when the client is gone: the rehearsal ends after the attempt that runs. */
  gone: AbortSignal;
}

const SHOWN_DIFFERENCES = 50;
const SHOWN_LINES = 20;
/** Jobs are looked through page by page for those of another version. */
const PAGE = 100;
const MOST_LOOKED_AT = 1_000;
/** A load that fails does so each time, and may take its time to. */
const BOOT_FAILED = 'BOOT_FAILED';

/** Runs a plan's code on the inputs of the agent's last jobs, one after the other, oldest first. */
export async function* rehearse(
  needs: RehearseNeeds,
  plan: RehearsalPlan,
  terms: RehearseTerms,
): AsyncGenerator<RehearsedView> {
  const { store } = needs;
  const { name, version } = plan.rehearsed.agent;
  const unfit = new Map<RehearsedAgent, RehearsalSide>();
  for (const job of await recordsOf(store, name, version.id, terms.last)) {
    if (terms.gone.aborted) return;
    const recorded = await store.effectsOf(job.id);
    const old = plan.against ? await side(plan.against, job, recorded) : sideOfRecord(job);
    const now = await side(plan.rehearsed, job, recorded);
    const { is, differences } = compareRuns(old, now);
    yield {
      job: job.id,
      agent: job.agent,
      is,
      startedAt: isoOf(job.startedAt!),
      input: viewJob(job).input,
      old,
      new: now,
      differences: differences.slice(0, SHOWN_DIFFERENCES),
      differing: differences.length,
    };
  }

  async function side(agent: RehearsedAgent, job: Job, recorded: EffectRecord[]): Promise<RehearsalSide> {
    const known = unfit.get(agent);
    if (known) return known;
    const ran = await rehearsedRun(needs, agent, { job, recorded }, terms);
    if (ran.error?.code === BOOT_FAILED) unfit.set(agent, ran);
    return ran;
  }
}

/** Runs one attempt behind the fence of a rehearsal, and tells how it went and what it wanted. `dryRun`: the plugin is told, and effects of `once` are done. */
export async function rehearsedRun(
  { time, store, agents, fleet, folder, sandbox, secrets }: RehearseNeeds,
  { agent, mayWrite }: RehearsedAgent,
  { job, recorded }: { job: RehearsedJob; recorded: EffectRecord[] },
  { live, gone, dryRun }: Omit<RehearseTerms, 'last'> & { dryRun?: true },
): Promise<RehearsalSide> {
  const scrub = createScrubber(secrets.seen());
  const read = live ? liveFetch(agent.needs.net, gone) : undefined;
  const dry = given({ dryRun });
  const capture = createCapture({ store, agent: agent.name, recorded, agents, fleet, read, scrub, ...dry });
  const begun = time.monotonic();
  const { id, attempt, attempts, trigger, slot, input, queuedAt, runAt } = job;
  const { outcome, lines } = await sandbox.run({
    agent,
    assignment: { job: id, agent: agent.name, attempt, attempts, trigger, slot, input, queuedAt, runAt },
    // A plugin that talks to servers needs their time.
    rehearsal: { folder, env: definedIn(process.env), now: live ? null : job.startedAt, net: 'asked', ...dry },
    secrets: () => secrets.values(agent),
    answer: capture.answer,
  });
  const error = outcome.is === 'done' ? null : blamed(outcome.fault, mayWrite, capture);
  // A worker that was killed cannot tell when it ended by its own clock.
  const took = Math.min(outcome.finishedAt - outcome.startedAt, time.monotonic() - begun);
  const own = lines.filter((line) => line.job === id);
  return {
    version: agent.version.id,
    durationMs: Math.max(0, Math.round(took)),
    ...endOfRun({ outcome, own, error }, capture, scrub),
  };
}

/** The end of an attempt without the secrets in it, and what the attempt wanted. */
function endOfRun(
  { outcome, own, error }: { outcome: Outcome; own: readonly PluginLine[]; error: PlainFault | null },
  capture: Capture,
  scrub: Scrubber,
): Omit<RehearsalSide, 'version' | 'durationMs'> {
  return {
    state: error ? 'failed' : 'done',
    result:
      outcome.is === 'done' && outcome.result !== null ? scrub.value(JSON.parse(outcome.result) as unknown) : null,
    summary: outcome.summary === undefined ? null : scrub.text(outcome.summary),
    error: scrub.value(error),
    effects: capture.effects(),
    refused: capture.refused(),
    logs: own.slice(-SHOWN_LINES).map(({ level, message }) => ({ level, message: scrub.text(message) })),
  };
}

function sideOfRecord(job: Job): RehearsalSide {
  const { version, result, summary, error, durationMs } = viewJob(job);
  const state = job.state === 'done' ? 'done' : 'failed';
  return { version, state, result, summary, error, durationMs, effects: null, refused: 0, logs: [] };
}

/** The fault of an attempt; a right that was denied because of the rehearsal is captured, as no failure of the version. */
function blamed(fault: PlainFault, mayWrite: boolean, capture: Capture): PlainFault {
  const code = fault.code === BOOT_FAILED ? fault.data?.cause : fault.code;
  if (code === 'NOT_RECORDED') capture.refuse({ kind: 'connect', what: fault.message });
  if (!mayWrite || code !== 'NOT_IN_NEEDS' || fault.data?.need !== 'write') return fault;
  capture.refuse({ kind: 'write', what: fault.message });
  return { ...fault, next: 'nothing: files are not written in a rehearsal' };
}

/** The variables that have a value. A plugin sees those of them that its needs name. */
function definedIn(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/**
 * `same` and `differs`: both are done · `mended`: only the new one is · `fails`: only the old one is · `both-fail` ·
 * `unclear`: the new one came to something that a rehearsal refuses, so nothing can be said of the rest.
 */
type RehearsalWord = 'same' | 'differs' | 'mended' | 'fails' | 'both-fail' | 'unclear';

/** Parts of a run that are compared. */
export type Compared = Pick<RehearsalSide, 'state' | 'result' | 'summary' | 'refused'>;

/** The path of the summary among the differences. */
const SUMMARY = '(summary)';

/** Compares the run of a new version with that of the old one, and says where the results differ. */
export function compareRuns(old: Compared, now: Compared): { is: RehearsalWord; differences: Difference[] } {
  const isBlocked = old.refused > 0 || now.refused > 0;
  if (now.state === 'failed') {
    if (isBlocked) return { is: 'unclear', differences: [] };
    return { is: old.state === 'done' ? 'fails' : 'both-fail', differences: [] };
  }
  if (old.state === 'failed') return { is: isBlocked ? 'unclear' : 'mended', differences: [] };
  const differences = diffJson(old.result, now.result);
  if (old.summary !== now.summary) {
    differences.push({ path: SUMMARY, is: 'changed', before: old.summary, after: now.summary });
  }
  if (differences.length === 0) return { is: 'same', differences };
  return { is: isBlocked ? 'unclear' : 'differs', differences };
}

/** The rehearsal of one agent. */
export interface RehearsalPlan {
  rehearsed: RehearsedAgent;
  /** The agent on the version that is run beside; undefined: the record stands for the old version. */
  against: RehearsedAgent | undefined;
}

export interface RehearsedAgent {
  /** With the rights that it has in a rehearsal. */
  agent: Agent;
  /** Outside of a rehearsal. */
  mayWrite: boolean;
}

/** The newest jobs that ended under another version, or under any if there are none; oldest first. */
export async function recordsOf(
  store: Pick<JobRecords, 'list'>,
  agent: string,
  version: string,
  last: number,
): Promise<Job[]> {
  const others: Job[] = [];
  const own: Job[] = [];
  let before: string | undefined;
  for (let seen = 0; seen < MOST_LOOKED_AT && others.length < last; seen += PAGE) {
    const filter = { agent, states: ['done' as const, 'dead' as const], limit: PAGE };
    const page = await store.list(before === undefined ? filter : { ...filter, before });
    for (const job of page) if (job.startedAt !== null) (job.version === version ? own : others).push(job);
    before = page.at(-1)?.id;
    if (page.length < PAGE) break;
  }
  return (others.length > 0 ? others : own).slice(0, last).reverse();
}

/**
 * Does requests that only read, for a worker that has no network of its own. Redirects are the worker's to follow, so
 * that each of them passes its fence; the hosts of `net` are looked at here once more.
 */
function liveFetch(net: readonly string[], gone: AbortSignal): (asked: AskedFetch) => Promise<FetchAnswer> {
  const mayReach = hostAllowListOf(net);
  return async ({ method, url, headers }) => {
    const asked = new URL(url);
    const { hostname } = asked;
    if (!mayReach(hostname, portOf(asked))) {
      const message = `${asked.host} is not in needs.net`;
      throw new Fault(notInNeeds({ agent: '', need: 'net', asked: asked.host, message }));
    }
    const signal = AbortSignal.any([gone, AbortSignal.timeout(WITHIN_MS)]);
    const response = await fetch(url, { method, headers, redirect: 'manual', signal });
    const body = await readBody(response);
    return {
      status: response.status,
      statusText: response.statusText,
      headers: [...response.headers].filter(([name]) => name !== 'content-encoding' && name !== 'content-length'),
      body: body.length === 0 ? null : body.toString('base64'),
    };
  };
}

async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) {
      const message = `the answer of ${response.url} is longer than a rehearsal takes (8 MB)`;
      throw new Fault({ code: 'ANSWER_TOO_LONG', message });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
