import { isAlarming } from '../../control/words/agent.ts';
import { doneWords } from '../../control/words/incident.ts';
import { mutedUntil, mutesNow } from '../../healing/mutes.ts';
import type { Incident, IncidentStore } from '../../healing/ports.ts';
import type { Job } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { DRILL_PREFIX, isDrillAgent } from '../../kernel/drill-agents.ts';
import { isoOf } from '../../kernel/instant.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import type { FleetAgent, FleetNeed, FleetProof, FleetReport } from '../../plugin/fleet.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import type { Finding, FindingStore } from '../../telemetry/ports.ts';
import { drillWords } from '../models/model-drills.ts';
import { type FaultsRun, faultWords } from '../models/proofs.ts';
import { viewWarnings } from '../warnings/op.ts';
import type { FigureNeeds } from './figures.ts';

export interface OutlookNeeds extends Pick<FigureNeeds, 'time' | 'listings'> {
  store: Pick<IncidentStore, 'incidents' | 'mutes'> &
    Pick<FindingStore, 'findings'> &
    FigureNeeds['store'] &
    Pick<JobRecords, 'deadByCause' | 'list'> &
    Pick<SlotStore, 'nextSlots'>;
}

type Outlook = Pick<FleetReport, 'needs' | 'healed' | 'versions' | 'proofs' | 'next'>;

const MOST_INCIDENTS = 1_000;
const MOST_VERSIONS = 50;
const MOST_NEXT = 8;
/** Events that say that an agent has another version. */
const VERSION_EVENTS = ['agent.changed', 'version.rolled-back', 'version.chosen', 'version.good'] as const;
/**
 * Plugins whose jobs prove something, and what. A job that restored nothing proves nothing of a restore: its result has `restored`, the
 * name of the archive, where it did.
 */
const PROVING = {
  backup: 'backup',
  'backup-encrypted': 'backup',
  'restore-drill': 'restore',
  'backup-s3': 'copy',
  'backup-restic': 'copy',
} as const;
/** Jobs of an agent among which its newest proof is looked for. */
const MOST_JOBS = 30;

/** The words of a report beside its figures: what a person has to do, what healed by itself, what changed, what is proven, what comes next. */
export async function outlookOf(
  needs: OutlookNeeds,
  agents: readonly FleetAgent[],
  from: number,
  to: number,
): Promise<Outlook> {
  const { store } = needs;
  const ended = await store.incidents({ exceptPrefix: DRILL_PREFIX, since: from, limit: MOST_INCIDENTS });
  const healed = ended.filter(({ state, endedAt }) => state === 'healed' && endedAt! >= from && endedAt! < to);
  const slots = await store.nextSlots();
  return {
    needs: await needsOf(needs, agents),
    healed: healed.map((one) => ({
      ...{ incident: one.id, agent: one.agent, at: isoOf(one.openedAt), seen: one.seen, done: doneWords(one) },
      tookMs: Math.max(0, one.endedAt! - one.openedAt),
    })),
    versions: await versionsOf(needs, from, to),
    proofs: await proofsOf(needs),
    next: slots
      .filter(({ agent }) => !isDrillAgent(agent))
      .sort((a, b) => a.due - b.due)
      .slice(0, MOST_NEXT)
      .map(({ agent, due }) => ({ agent, at: isoOf(due) })),
  };
}

/** Incidents, then agents that stand still, dead letters, and warnings that say when a limit is reached. */
async function needsOf({ store, time }: OutlookNeeds, agents: readonly FleetAgent[]): Promise<FleetNeed[]> {
  const [open, muted, dead, warnings] = await Promise.all([
    store.incidents({ exceptPrefix: DRILL_PREFIX, states: ['open', 'escalated'], limit: MOST_INCIDENTS }),
    store.mutes(),
    store.deadByCause(),
    viewWarnings({ store }),
  ]);
  const mutes = mutesNow(muted, time.now());
  const isMuted = (incident: Incident) => mutedUntil([incident], mutes) !== null;
  const known = new Set(open.map(({ agent }) => agent));
  return [
    ...open
      .filter((one) => !isMuted(one))
      .map(({ id, agent, verdict, seen, openedAt }) => ({
        ...{ agent, incident: id, since: isoOf(openedAt), next: `daruma incidents ${id}` },
        text: `${verdict}: ${oneLine(seen)}`,
      })),
    ...agents
      .filter(({ name, state }) => isAlarming({ state }) && !known.has(name))
      .map(({ name, state, why }) => ({
        ...{ agent: name, incident: null, since: null, next: `daruma status ${name}` },
        text: `${state}: ${oneLine(why)}`,
      })),
    ...dead
      .filter(({ agent }) => !isDrillAgent(agent))
      .map(({ cause, agent, count, example }) => ({
        ...{ agent, incident: null, since: null, next: `daruma dlq show ${cause}` },
        text: `${count} dead ${count === 1 ? 'letter' : 'letters'}: ${oneLine(example.error?.message ?? '')}`,
      })),
    ...warnings
      .filter(({ word }) => word === 'leaking')
      .map(({ agent, since, text, next, hitsAt }) => ({
        ...{ agent, incident: null, since, next, ...(hitsAt === null ? {} : { hitsAt }) },
        text: oneLine(text),
      })),
  ];
}

async function versionsOf({ store }: OutlookNeeds, from: number, to: number): Promise<FleetReport['versions']> {
  const found = await Promise.all(
    VERSION_EVENTS.map((kind) => store.events({ kind, since: from, limit: MOST_VERSIONS })),
  );
  return found
    .flat()
    .filter(({ at, agent }) => at < to && agent !== null)
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_VERSIONS)
    .map(({ at, agent, message }) => ({ at: isoOf(at), agent: agent!, text: oneLine(message) }));
}

/** The newest ended job of each agent that makes or restores backups, and the newest drill of each kind. */
async function proofsOf({ store, listings }: OutlookNeeds): Promise<FleetProof[]> {
  const proving = listings().flatMap(({ name, plugin }) =>
    Object.hasOwn(PROVING, plugin) ? [{ name, what: PROVING[plugin as keyof typeof PROVING] }] : [],
  );
  const jobs = await Promise.all(
    proving.map(async ({ name, what }): Promise<FleetProof[]> => {
      const ended = await store.list({ agent: name, states: ['done', 'dead'], limit: MOST_JOBS });
      const job = what === 'backup' ? ended[0] : ended.find((one) => isRestore(one, what));
      if (!job || job.finishedAt === null) return [];
      const isDone = job.state === 'done';
      const text = isDone ? (job.summary ?? 'done') : (job.error?.message ?? 'it failed');
      const tookMs = job.startedAt === null ? null : job.finishedAt - job.startedAt;
      return [{ what, at: isoOf(job.finishedAt), ok: isDone, text: oneLine(text), tookMs, job: job.id }];
    }),
  );
  const drills = (await drillWords(store)).map(({ name, at, tookMs, words, right, of }): FleetProof => {
    const what = name === 'models' ? 'chain' : 'diagnosis';
    return { what, at, ok: right === of, text: oneLine(words), tookMs, job: null };
  });
  const [faults] = await store.findings({ kind: 'drill-faults', limit: 1 });
  return [...jobs.flat(), ...(faults ? [faultsProof(faults)] : []), ...drills];
}

/** A job that restored an archive, or gave up while it tried to; an agent that keeps copies has other jobs, too. */
function isRestore(
  { state, result, input }: Pick<Job, 'state' | 'result' | 'input'>,
  what: 'restore' | 'copy',
): boolean {
  if (state !== 'done') return what === 'restore' || fieldOf(input, 'drill') === true;
  // A plugin of before names the archive as `file`.
  return typeof (fieldOf(result, 'restored') ?? (what === 'restore' && fieldOf(result, 'file'))) === 'string';
}

/** A field of an object in JSON. */
function fieldOf(text: string | null, name: string): unknown {
  const value: unknown = text === null ? null : JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function faultsProof({ at, record }: Finding): FleetProof {
  const run = record as unknown as FaultsRun;
  const { words, right, of } = faultWords(run);
  return { what: 'faults', at: isoOf(at), ok: right === of, text: oneLine(words), tookMs: run.tookMs, job: null };
}
