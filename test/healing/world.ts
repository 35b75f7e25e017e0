import { createOrigins } from '../../src/gateway/origins/origins.ts';
import type { Origins } from '../../src/gateway/origins/ports.ts';
import { createHealer, type Healer, type HealerOptions } from '../../src/healing/healer.ts';
import { releasedEvent, reportEvent } from '../../src/healing/incident-reports.ts';
import type { MachineResources } from '../../src/healing/machine-resources.ts';
import type {
  HealingChange,
  Incident,
  IncidentReport,
  IncidentStore,
  IncidentTerms,
  Mute,
  QuarantineEnd,
  QuarantineRecord,
  RemedyRecord,
} from '../../src/healing/ports.ts';
import type { Unscheduled } from '../../src/healing/unscheduled-watch.ts';
import type { Agent } from '../../src/jobs/agent.ts';
import type { Owner, Settlement } from '../../src/jobs/ports.ts';
import { Fault, type PlainFault } from '../../src/kernel/fault.ts';
import { type Log, silentLog } from '../../src/kernel/log.ts';
import { createFeed } from '../../src/store/feed.ts';
import type { Finding, FindingStore, FleetEvent } from '../../src/telemetry/ports.ts';
import type { WorkerEnd } from '../../src/workers/ports.ts';
import { Clock, quiet, T0 } from '../clock.ts';

export { Clock, quiet, T0 };
export const MINUTE = 60_000;
export const HOUR = 3_600_000;

/** A store with the promises of the port, in a few maps; `down` refuses everything. */
export class Shelf implements IncidentStore, FindingStore {
  down = false;
  readonly kept = new Map<string, Incident>();
  readonly holders = new Map<string, { host: string; until: number }>();
  readonly #feed = createFeed<HealingChange>();
  readonly remedyStats = new Map<string, RemedyRecord>();
  readonly quarantineRegistry = new Map<string, QuarantineRecord>();
  readonly muted = new Map<string, Mute>();
  readonly found = new Map<string, Finding>();
  readonly written: FleetEvent[] = [];
  slots: { agent: string; due: number }[] = [];
  readonly #clock: Clock;
  jobs: { agent: string; nextAt: number }[] = [];
  due: { agent: string; count: number; dueSince: number }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async openIncident(
    incident: Omit<Incident, 'id'>,
    { owner, leaseMs }: IncidentTerms,
    reports: IncidentReport[] = [],
  ) {
    this.#up();
    const { agent, fingerprint, endedAt } = incident;
    const other = [...this.kept.values()].find(
      (one) =>
        endedAt === null &&
        one.endedAt === null &&
        one.agent === agent &&
        one.fingerprint === fingerprint &&
        !this.#isFree(one.id, owner),
    );
    if (other) return { id: other.id, isNew: false };
    const id = `inc-${this.kept.size + 1}`;
    this.kept.set(id, structuredClone({ id, ...incident }));
    this.written.push(...reports.map((one) => reportEvent({ id, ...incident }, one)));
    this.holders.set(id, { host: owner.host, until: this.#clock.wall + leaseMs });
    this.#feed.publish({ is: 'incident', by: owner.host });
    return { id, isNew: true };
  }
  async updateIncident(incident: Incident, by: Owner | null, reports: IncidentReport[] = []) {
    this.#up();
    if (!this.kept.has(incident.id)) throw new Fault({ code: 'INCIDENT_UNKNOWN', message: 'unknown' });
    if (by && this.holders.get(incident.id)!.host !== by.host)
      throw new Fault({ code: 'INCIDENT_HELD', message: 'held' });
    this.kept.set(incident.id, structuredClone(incident));
    this.written.push(...reports.map((one) => reportEvent(incident, one)));
    this.#feed.publish({ is: 'incident', by: by?.host ?? null });
  }
  async holdIncidents({ owner, leaseMs }: IncidentTerms) {
    this.#up();
    const mine = [...this.kept.values()].filter((one) => one.endedAt === null && this.#isFree(one.id, owner));
    for (const { id } of mine) this.holders.set(id, { host: owner.host, until: this.#clock.wall + leaseMs });
    return mine.map((one) => structuredClone(one));
  }
  #isFree(id: string, { host }: Owner) {
    const holder = this.holders.get(id)!;
    return holder.host === host || holder.until < this.#clock.wall;
  }
  healingChanges(call: (change: HealingChange) => void) {
    return this.#feed.changes(call);
  }
  async incident(id: string) {
    this.#up();
    return structuredClone(this.kept.get(id));
  }
  async incidents({ agent, states, since, limit }: Parameters<IncidentStore['incidents']>[0]) {
    this.#up();
    return [...this.kept.values()]
      .filter((one) => agent === undefined || one.agent === agent)
      .filter((one) => states === undefined || states.includes(one.state))
      .filter((one) => since === undefined || one.endedAt === null || one.endedAt >= since)
      .reverse()
      .slice(0, limit)
      .map((one) => structuredClone(one));
  }
  async recordRemedy(fingerprint: string, kind: RemedyRecord['kind'], held: boolean) {
    this.#up();
    const record = this.remedyStats.get(`${fingerprint} ${kind}`) ?? { fingerprint, kind, tried: 0, held: 0 };
    this.remedyStats.set(`${fingerprint} ${kind}`, {
      ...record,
      tried: record.tried + 1,
      held: record.held + (held ? 1 : 0),
    });
  }
  async remedyRecords(fingerprint: string) {
    this.#up();
    return [...this.remedyStats.values()].filter((record) => record.fingerprint === fingerprint);
  }
  async putQuarantine(record: QuarantineRecord, { host }: Owner) {
    this.#up();
    this.quarantineRegistry.set(record.agent, record);
    this.#feed.publish({ is: 'quarantine', by: host });
  }
  async endQuarantine(agent: string, { host }: Owner, end?: QuarantineEnd) {
    this.#up();
    const record = this.quarantineRegistry.get(agent);
    if (record && end) this.written.push(releasedEvent(record, { ...end, at: this.#clock.wall }));
    this.quarantineRegistry.delete(agent);
    this.#feed.publish({ is: 'quarantine', by: host });
  }
  async quarantines() {
    this.#up();
    return [...this.quarantineRegistry.values()];
  }
  async events({ kind }: { kind?: string }) {
    this.#up();
    return this.written
      .filter((event) => event.kind === kind)
      .map((event, id) => ({ id, ...event, who: event.who ?? null, cause: null }));
  }
  async nextSlots() {
    this.#up();
    return this.slots;
  }
  async backlog() {
    this.#up();
    return this.due;
  }
  async waiting() {
    this.#up();
    return this.jobs.map(({ agent, nextAt }) => ({ agent, inMs: nextAt - this.#clock.wall }));
  }
  async muteCause(fingerprint: string, forMs: number | null) {
    this.#up();
    const until = forMs === null ? null : this.#clock.wall + forMs;
    if (until === null) this.muted.delete(fingerprint);
    else this.muted.set(fingerprint, { fingerprint, until });
    return until;
  }
  async putFinding(finding: Finding) {
    this.#up();
    this.found.set(`${finding.kind} ${finding.key}`, structuredClone(finding));
  }
  async findings({ kind }: { kind: string }) {
    this.#up();
    return [...this.found.values()].filter((one) => one.kind === kind);
  }
  async mutes() {
    return [...this.muted.values()];
  }
  #up() {
    if (this.down) throw new Fault({ code: 'STORE_FULL', message: 'the disk is full' });
  }
}

export interface World {
  clock: Clock;
  incidentStore: Shelf;
  origins: Origins;
  healer: Healer;
  agents: Map<string, Agent>;
  /** What was asked of the rooms: `wake a`, `recycle w1`, `ownCell a`, `bearings`, `shed`. */
  asked: string[];
  /** Agents that are paused. */
  held: Set<string>;
  /** Agents without a next slot. */
  unscheduled: Unscheduled[];
  /** Of the machine. */
  resources: MachineResources;
  errors: string[];
  told(kind: string): FleetEvent[];
  incident(id?: string): Incident;
  end(agent: string, code: string, more?: Partial<WorkerEnd> & { message?: string }): void;
  settle(agent: string, state: Settlement['state'], more?: Partial<Settlement>): void;
  /** A healer after a restart of the host, on the same store. */
  restart(): Promise<void>;
}

/** `beside`: another host on the same store. */
export async function world(options: HealerOptions = {}, beside?: World): Promise<World> {
  const clock = beside?.clock ?? new Clock();
  const owner = { host: beside ? 'other' : 'host', run: 'run 1' };
  const newOrigins = () =>
    createOrigins({ time: clock, log: silentLog, settings: () => ({}), changed: () => it.healer?.originsChanged() });
  const incidentStore = beside?.incidentStore ?? new Shelf(clock);
  const asked: string[] = [];
  const errors: string[] = [];
  const agents = new Map<string, Agent>();
  const log: Log = { debug() {}, info() {}, warn() {}, error: (message) => void errors.push(message) };
  let jobs = 0;
  for (const name of ['a', 'b']) agents.set(name, agentOf(name));
  const build = () =>
    createHealer(
      {
        owner,
        time: clock,
        log,
        events: { record() {}, publish() {}, clean: (event) => event },
        store: incidentStore,
        agent: (name) => agents.get(name),
        isHeld: (name) => it.held.has(name),
        isExempt: () => false,
        wake: (agent) => void asked.push(`wake ${agent}`),
        recycle: (worker) => void asked.push(`recycle ${worker}`),
        ownCell: (agent) => void asked.push(`ownCell ${agent}`),
        disk: async () => it.resources,
        dropIdle: (name) => void asked.push(`dropIdle ${name}`),
        cleanUp: async () => {
          asked.push('cleanUp');
          return 'given back: 3 MB of logs';
        },
        restrictionsChanged: () => void asked.push('restrictions'),
        origins: it.origins,
        unscheduled: async () => it.unscheduled,
        planAgain: (agent) => void asked.push(`planAgain ${agent}`),
      },
      options,
    );
  const it: World = {
    clock,
    held: new Set(),
    incidentStore,
    origins: newOrigins(),
    healer: undefined as never,
    agents,
    asked,
    unscheduled: [],
    resources: { memoryFree: 50, memoryTotal: 100, diskFree: 50, diskTotal: 100 },
    errors,
    told: (kind) => incidentStore.written.filter((event) => event.kind === kind),
    incident: (id = `inc-${incidentStore.kept.size}`) => incidentStore.kept.get(id)!,
    end(agent, code, { message = `${code} happened`, ...more } = {}) {
      const because: PlainFault = { code, message };
      it.healer.gone({
        worker: 'w1',
        agent,
        version: 'v1',
        because,
        uptimeMs: 5,
        job: { job: 'job-1', attempt: 1 },
        ...more,
      });
    },
    settle(agent, state, more = {}) {
      const end = { job: `job-x${++jobs}`, attempt: 1, startedAt: clock.wall, finishedAt: clock.wall, state, ...more };
      it.healer.settled(end, agent);
    },
    async restart() {
      await it.healer.stop();
      it.origins = newOrigins();
      it.healer = build();
      await it.healer.start();
    },
  };
  it.healer = build();
  await it.healer.start();
  return it;
}

function agentOf(name: string): Agent {
  return {
    name,
    about: '',
    version: { plugin: name, id: 'v1', file: '', mapFile: '' },
    on: [],
    firstRun: false,
    settings: {},
    limits: { memoryBytes: 1, timeoutMs: 1, silenceMs: 1, graceMs: 1, attempts: 3, backoff: { first: 1, longest: 1 } },
    needs: {
      secrets: [],
      env: [],
      net: [],
      read: [],
      write: [],
      modules: [],
      fleet: false,
      llm: false,
    } as unknown as Agent['needs'],
    workers: { min: 0, max: 1 },
    isolation: 'shared',
    fingerprint: 'f1',
  };
}
