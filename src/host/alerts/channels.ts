import type { HostSettings } from '../../catalog/files/host-settings-table.ts';
import type { Catalog } from '../../catalog/ports.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import type { Job, JobId } from '../../jobs/model.ts';
import type { JobRecords } from '../../jobs/ports.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { suggest } from '../../kernel/suggest.ts';
import type { Time } from '../../kernel/time.ts';
import { type ChannelFacts, type DeliveryFate, LATE_MS } from '../../telemetry/alerts/deliveries.ts';
import type { Alert, AlertDelivery, Severity } from '../../telemetry/alerts/ports.ts';
import type { Post } from '../../telemetry/alerts/text.ts';
import type { Placements } from '../placements.ts';
import type { TroubleFacts } from './troubles.ts';

/** The agents that post alerts. */
export interface Channels {
  facts(): ChannelFacts;
  /** Gives the channel a job; the same key gives the same job, also after a host was killed. */
  post(channel: string, key: string, post: Post): Promise<JobId>;
  /** Takes a job back; false: it runs, or has ended. */
  withdraw(job: JobId): Promise<boolean>;
  fates(alerts: readonly Alert[]): Promise<Map<string, DeliveryFate>>;
  /** Channels that do not deliver, by what became of these alerts. */
  troubled(alerts: readonly Alert[], fates: ReadonlyMap<string, DeliveryFate>): TroubleFacts['channels'];
  /** Why the jobs of a channel wait; undefined: nothing holds it. */
  holdOf(channel: string): string | undefined;
  /** The channel delivered a test just now. */
  proven(channel: string): void;
  /** Settings that name agents which are not there. */
  problems(): PlainFault[];
}

interface ChannelsNeeds {
  time: Pick<Time, 'now'>;
  store: Pick<JobRecords, 'get' | 'list'>;
  settings: Pick<HostSettings, 'alerts'>;
  catalog: Pick<Catalog, 'agents'>;
  placements: Pick<Placements, 'isHeld' | 'holdOf'>;
  jobs: Pick<Jobs, 'add' | 'cancel'>;
}

const SEVERITIES: readonly Severity[] = ['open', 'warning', 'healed', 'digest'];
const WITHDRAWN = { code: 'ALERT_OVER', message: 'the trouble is over: its begin and its end are one message' };

export function createChannels(needs: ChannelsNeeds): Channels {
  const { time, store, settings, catalog, placements, jobs } = needs;
  /** Why jobs wait, as the last look at them found. */
  const errors = new Map<string, string>();
  /** When each channel last delivered a test, epoch ms. */
  const provenAt = new Map<string, number>();
  /** The newest delivery of each channel that ended: its alert may be forgotten before the channel delivers again. */
  const lastEnds = new Map<string, AlertDelivery>();

  function stateOf(channel: string): 'up' | 'held' | 'missing' {
    if (!catalog.agents().has(channel)) return 'missing';
    return placements.isHeld(channel) ? 'held' : 'up';
  }

  function lists(): ChannelFacts['lists'] {
    const { open, warning, healed, digest } = settings.alerts;
    return { open, warning, healed, digest };
  }

  const holdOf = (channel: string) => placements.holdOf(channel)?.reason;

  function troubleOf(channel: string, of: readonly AlertDelivery[], fates: ReadonlyMap<string, DeliveryFate>) {
    const late = of.filter(({ state, at, job }) => {
      const fate = job === null ? undefined : fates.get(job);
      // A first attempt may take its time; one after a failure says nothing of the channel before its end.
      const isRunning = fate?.is === 'waiting' && fate.isRunning && !errors.has(job!);
      return state === 'waiting' && !isRunning && time.now() - at > LATE_MS;
    });
    const known = lastEnds.get(channel);
    const last = [...(known ? [known] : []), ...of].filter((one) => one.endedAt !== null && one.state !== 'withdrawn');
    const newest = last.sort((a, b) => a.endedAt! - b.endedAt!).at(-1);
    if (newest) lastEnds.set(channel, newest);
    const job = late[0]?.job ?? '';
    if (late.length > 0) {
      const why = holdOf(channel) ?? errors.get(job) ?? 'its jobs do not start';
      return [{ name: channel, since: late[0]!.at, why, waiting: late.length }];
    }
    if (newest?.state !== 'failed' || newest.endedAt! <= (provenAt.get(channel) ?? 0)) return [];
    return [{ name: channel, since: newest.endedAt!, why: newest.why ?? 'it gave up', waiting: 0 }];
  }

  return {
    facts: () => ({ now: time.now(), lists: lists(), stateOf }),
    async post(channel, key, post) {
      const input = JSON.stringify(post);
      // A channel may be away for hours: what waits for it goes out when it is back.
      const attempts = BOUNDS.attempts.most;
      const [added] = await jobs.add([{ agent: channel, trigger: 'send', input, key, attempts, priority: 50 }]);
      return added!.id;
    },
    async withdraw(job) {
      const now = await store.get(job);
      if (!now || now.state === 'running') return false;
      return (await jobs.cancel(job, WITHDRAWN)) !== undefined;
    },
    async fates(alerts) {
      const waiting = alerts.flatMap(({ steps }) => steps).flatMap(({ deliveries }) => deliveries.filter(isWaiting));
      const found = await Promise.all(waiting.map(async ({ job }) => [job!, await store.get(job!)] as const));
      errors.clear();
      for (const [id, job] of found) if (job?.error) errors.set(id, job.error.message);
      return new Map(found.map(([id, job]) => [id, fateOf(job, time.now())]));
    },
    troubled(alerts, fates) {
      const all = alerts.flatMap(({ steps }) => steps).flatMap(({ deliveries }) => deliveries);
      const byChannel = Map.groupBy(all, ({ channel }) => channel);
      const named = new Set(Object.values(lists()).flat());
      return [...new Set([...byChannel.keys(), ...lastEnds.keys()])]
        .filter((channel) => named.has(channel) && stateOf(channel) !== 'missing')
        .flatMap((channel) => troubleOf(channel, byChannel.get(channel) ?? [], fates));
    },
    holdOf,
    proven: (channel) => void provenAt.set(channel, time.now()),
    problems() {
      const agents = catalog.agents();
      const said = SEVERITIES.flatMap((severity) => lists()[severity].map((name) => ({ severity, name })));
      return said.filter(({ name }) => !agents.has(name)).map((one) => missing(one, agents.keys()));
    },
  };
}

function isWaiting({ state, job }: AlertDelivery): boolean {
  return state === 'waiting' && job !== null;
}

function fateOf(job: Job | undefined, now: number): DeliveryFate {
  if (!job) return { is: 'failed', at: now, why: 'its job is gone from the store' };
  const at = job.finishedAt ?? now;
  if (job.state === 'done') return { is: 'done', at };
  if (job.state === 'dead' || job.state === 'cancelled')
    return { is: 'failed', at, why: job.error?.message ?? `its job is ${job.state}` };
  return { is: 'waiting', isRunning: job.state === 'running' };
}

function missing({ severity, name }: { severity: Severity; name: string }, agents: Iterable<string>): PlainFault {
  const near = suggest(name, agents);
  return {
    code: 'CHANNEL_MISSING',
    message: `alerts.${severity} names ${name}, and there is no such agent${near ? `; did you mean ${near}?` : ''}`,
    file: 'config/daruma.yaml',
    next: 'name an agent that posts, such as post-file; daruma status lists them',
  };
}
