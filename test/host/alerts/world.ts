import { afterEach } from 'vitest';
import type { HostSettings } from '../../../src/catalog/files/host-settings-table.ts';
import type { Incident, Mute } from '../../../src/healing/ports.ts';
import { type Alerts, createAlerts } from '../../../src/host/alerts/alerts.ts';
import { type Channels, createChannels } from '../../../src/host/alerts/channels.ts';
import type { AlertFactNeeds } from '../../../src/host/alerts/gather.ts';
import type { AgentStatus } from '../../../src/host/api/states.ts';
import type { Agent } from '../../../src/jobs/agent.ts';
import type { Job } from '../../../src/jobs/model.ts';
import type { JobDetail } from '../../../src/jobs/ports.ts';
import type { PlainFault } from '../../../src/kernel/fault.ts';
import { silentLog } from '../../../src/kernel/log.ts';
import type { AlertStore, AlertTrouble } from '../../../src/telemetry/alerts/ports.ts';
import type { Post } from '../../../src/telemetry/alerts/text.ts';
import type { FleetEvent } from '../../../src/telemetry/ports.ts';
import { Clock } from '../../clock.ts';
import { memoryAlerts } from '../../store/memory/alerts.ts';

/** A message that a channel was given. */
export interface Told extends Post {
  /** Epoch ms. */
  at: number;
  channel: string;
}

interface FleetAlertsNeeds {
  clock: Clock;
  store: Pick<AlertFactNeeds['store'], 'incident' | 'incidents' | 'mutes'>;
  /** Incidents that have not ended. */
  open(): Incident[];
  warnings?(): readonly AlertTrouble[];
  alerts?: Partial<HostSettings['alerts']>;
}

const TOOK_MS = 400;
/** Jobs of an agent that are kept. */
const MOST_KEPT = 150;

/** The alerts of a host as they are, over agents whose jobs end as a test says, and channels that post after 400 ms unless they are away. */
export function fleetAlerts({ clock, store, open, warnings = () => [], alerts = {} }: FleetAlertsNeeds) {
  const jobs = new Map<string, Job>();
  const byAgent = new Map<string, Job[]>();
  const away = new Map<string, 'failing' | 'stuck'>();
  const told: Told[] = [];
  const said: string[] = [];
  const written: string[] = [];
  /** What the service could not do. */
  const errors: unknown[] = [];
  const events: Omit<FleetEvent, 'at'>[] = [];
  const statuses = new Map<string, Pick<AgentStatus, 'state' | 'why' | 'overview'>>();
  const named = [...(alerts.open ?? ['mail']), ...(alerts.warning ?? []), ...(alerts.healed ?? [])];
  const agents = new Map<string, Agent>(['mail', ...named].map((name) => [name, agentOf(name)]));
  const pings: ReturnType<AlertFactNeeds['pings']> = [];
  const problems: PlainFault[] = [];
  const { calls } = memoryAlerts({
    get now() {
      return clock.wall;
    },
  } as Parameters<typeof memoryAlerts>[0]);
  const ofAlerts = Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, async (...args: never[]) => call(...args)]),
  ) as unknown as AlertStore;
  const settings = {
    timezone: 'UTC',
    alerts: {
      ...{ open: ['mail'], warning: ['mail'], healed: [], digest: ['mail'], digestAt: '0 8 * * *' },
      ...{ windows: [], file: 'alerts.log', ...alerts },
    },
  } as unknown as HostSettings;
  let ids = 0;

  function jobOf(agent: string, more: Partial<Job>): Job {
    const job = { id: `job-${++ids}`, agent, key: null, cause: null, error: null, attempt: 1, ...more } as Job;
    jobs.set(job.id, job);
    byAgent.set(agent, [...(byAgent.get(agent) ?? []).slice(-MOST_KEPT), job]);
    return job;
  }

  const listed = ({ agent, states, limit }: { agent?: string; states?: readonly string[]; limit: number }) =>
    (byAgent.get(agent!) ?? [])
      .filter((job) => !states || states.includes(job.state))
      .slice(-limit)
      .reverse();

  function look(agent: string, more: Partial<AgentStatus> = {}) {
    const dead = listed({ agent, states: ['dead'], limit: 1_000 }).length;
    const ended = listed({ agent, states: ['dead', 'done'], limit: 1 })[0] ?? null;
    const newest = listed({ agent, limit: 1 })[0] ?? null;
    const overview = { agent, queued: 0, running: 0, retrying: 0, dead, newest, ended };
    const state = ended?.state === 'dead' ? 'failed' : 'ok';
    statuses.set(agent, { state, why: `${ended?.id} ${ended?.state}`, overview, ...more });
  }

  function post(job: Job) {
    const state = away.get(job.agent);
    if (state === 'stuck' || job.state !== 'queued') return;
    Object.assign(job, { state: state === 'failing' ? 'dead' : 'done', finishedAt: clock.wall });
    if (state === 'failing') job.error = { code: 'X', message: '550 no such user' };
    else told.push({ at: clock.wall, channel: job.agent, ...(JSON.parse(job.input!) as Post) });
    service.ended(job.agent);
  }

  function newChannels(): Channels {
    return createChannels({
      ...{ time: clock, settings, catalog: { agents: () => agents } },
      store: { get: async (id) => jobs.get(id) as JobDetail | undefined, list: async (filter) => listed(filter) },
      placements: { isHeld: () => false, holdOf: () => null },
      jobs: {
        async add(all) {
          return all.map(({ agent, input, key }) => {
            const known = [...jobs.values()].find((job) => job.agent === agent && job.key === key);
            if (known) return { id: known.id, isNew: false };
            const job = jobOf(agent, { state: 'queued', input: input ?? null, key: key ?? null });
            clock.after(TOOK_MS, () => post(job));
            return { id: job.id, isNew: true };
          });
        },
        async cancel(id) {
          const job = jobs.get(id);
          return job && Object.assign(job, { state: 'cancelled', finishedAt: clock.wall });
        },
      },
    });
  }

  function build(): Alerts {
    return createAlerts({
      ...{
        time: clock,
        log: { ...silentLog, error: (_, data) => void errors.push(data) },
        settings,
        channels,
        place: 'ops-1 my-ops',
        page: undefined,
      },
      store: {
        ...ofAlerts,
        incident: (id) => store.incident(id),
        incidents: (filter) => store.incidents(filter),
        mutes: () => store.mutes(),
        list: async (filter) => listed(filter),
      },
      ...{ say: (text) => void said.push(text), write: (_, block) => void written.push(block) },
      healer: { open },
      scrub: { value: (value) => value },
      states: { all: async () => statuses as Map<string, AgentStatus> },
      runnableAgents: () => agents,
      events: { record: (_, event) => void events.push(event) },
      ...{ pings: () => pings, warnings: () => problems, earlyWarnings: warnings, startedAt: clock.wall },
    });
  }

  let channels = newChannels();
  let service = build();
  return {
    ...{ told, said, written, errors, events, away, agents, statuses, settings, store: ofAlerts, pings, problems },
    /** Lets time pass. */
    pass: (ms: number) => clock.pass(ms, turnOfEvents),
    /** Hours in which nothing is looked at, and a minute. */
    async leap(ms: number) {
      clock.wall += ms - 60_000;
      await clock.pass(60_000, turnOfEvents);
    },
    service: () => service,
    channels: () => channels,
    /** A job of the agent ended. */
    ended(agent: string, state: 'done' | 'dead', error: PlainFault = { code: 'X', message: `${agent} answers 500` }) {
      jobOf(agent, { state, finishedAt: clock.wall, error: state === 'dead' ? error : null });
      look(agent);
      if (state === 'dead') service.soon();
    },
    /** Its dead letters are replayed, or dropped. */
    clear(agent: string) {
      byAgent.set(agent, listed({ agent, states: ['done'], limit: 1_000 }).reverse());
      look(agent);
    },
    /** The agent is in another state, with the same jobs. */
    look,
    /** Another host, which knows no more than what the one before wrote down. */
    async restart() {
      await service.stop();
      channels = newChannels();
      service = build();
      await service.start();
    },
  };
}

/** Nothing here asks the system: promises are all that has to resolve. */
export async function turnOfEvents() {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** An agent that may call one server. */
export function agentOf(name: string, host?: string): Agent {
  return { name, version: { id: 'v1' }, needs: { net: host === undefined ? [] : [host] } } as unknown as Agent;
}

/** A store without incidents. */
export const noIncidents = {
  incident: async () => undefined,
  incidents: async () => [],
  mutes: async (): Promise<Mute[]> => [],
};

/** Alerts of a host of today, started and past its first look; they stop after each test of the file that asks for this. */
export function startedAlerts() {
  let stop: () => Promise<void> = async () => {};
  afterEach(() => stop());
  return async (more: Partial<FleetAlertsNeeds> = {}) => {
    const clock = new Clock();
    const fleet = fleetAlerts({ clock, store: noIncidents, open: () => [], ...more });
    stop = () => fleet.service().stop();
    await fleet.service().start();
    await fleet.pass(1);
    return { clock, ...fleet, titles: () => fleet.told.map(({ title }) => title) };
  };
}
