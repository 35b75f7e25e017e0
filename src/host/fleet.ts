import type { Listing } from '../catalog/ports.ts';
import { connectControl } from '../control/client.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Job } from '../jobs/model.ts';
import type { JobRecords } from '../jobs/ports.ts';
import { BOUNDS, isWithin } from '../kernel/bounds.ts';
import { DRILL_PREFIX, isDrillAgent } from '../kernel/drill-agents.ts';
import { Fault, locationOf } from '../kernel/fault.ts';
import { isoOf } from '../kernel/instant.ts';
import { DAY_MS, HOUR_MS } from '../kernel/measures.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import type { FleetAgent, FleetHealth, FleetParts, FleetReport, StoreCopy } from '../plugin/fleet.ts';
import type { EventStore, FigureStore, UpkeepStore } from '../telemetry/ports.ts';
import { instantOf } from './api/known.ts';
import { writeForAgent } from './backup/agent-file.ts';
import type { HostFacts } from './facts.ts';

/** Figures of the installation for agents that need the fleet, and for `report`. */
export interface FleetView {
  /** Times as ISO 8601; default: the last 24 hours. */
  report(from?: string, to?: string): Promise<FleetReport>;
  health(): Promise<FleetHealth>;
  /** A copy of the store, made for the agent where it may write. */
  backUp(to: string, by: Agent): Promise<StoreCopy>;
  parts(): Promise<FleetParts>;
}

interface FleetNeeds {
  time: Time;
  store: Pick<JobRecords, 'list'> & FigureStore & EventStore & Pick<UpkeepStore, 'backUp'>;
  listings(): Listing[];
  agents(): ReadonlyMap<string, Agent>;
  states(): Promise<AgentStates>;
  parts(): Promise<FleetParts>;
  facts: Pick<HostFacts, 'folder' | 'version' | 'startedAt' | 'socket'>;
}

type AgentStates = ReadonlyMap<string, { state: string; why: string }>;

/** Rows that a report is made of. */
interface Found {
  states: AgentStates;
  figures: Awaited<ReturnType<FigureStore['agentFigures']>>;
  slots: Awaited<ReturnType<FigureStore['slotFigures']>>;
  /** Workers that ended otherwise than by a drain, in the period. */
  ended: readonly { agent: string | null }[];
}

const MOST_FAILURES = 20;
/** A control socket that has not answered within this time counts as down. */
const HEALTH_TIMEOUT_MS = 5_000;

export function createFleet(needs: FleetNeeds): FleetView {
  const { time, store, facts } = needs;

  async function report(fromText?: string, toText?: string): Promise<FleetReport> {
    const to = toText === undefined ? time.now() : instantOf(toText);
    const from = fromText === undefined ? to - DAY_MS : instantOf(fromText);
    // The host's loop goes through the hours one by one.
    if (!isWithin(to - from, BOUNDS.report)) throw periodInvalid();
    const [states, figures, slots, hours, ends, failed] = await Promise.all([
      needs.states(),
      store.agentFigures(from, to),
      store.slotFigures(from, to),
      store.hourFigures(from, to),
      store.events({ kind: 'worker.gone', since: from, limit: 10_000 }),
      store.list({ states: ['dead', 'retrying'], since: from - DAY_MS, exceptPrefix: DRILL_PREFIX, limit: 200 }),
    ]);
    const { version, startedAt } = facts;
    const uptimeMs = time.now() - startedAt;
    const ended = ends.filter(({ at }) => at < to);
    const names = new Set([...needs.listings().map(({ name }) => name), ...figures.map(({ agent }) => agent)]);
    return {
      from: isoOf(from),
      to: isoOf(to),
      host: { version, startedAt: isoOf(startedAt), uptimeMs, memoryBytes: process.memoryUsage.rss() },
      agents: [...names]
        .filter((name) => !isDrillAgent(name))
        .sort()
        .map((name) => describe(name, { states, figures, slots, ended })),
      hours: sumHours(hours, from, to),
      failures: failuresOf(failed, from, to),
    };
  }

  function describe(name: string, { states, figures, slots, ended }: Found): FleetAgent {
    const listing = needs.listings().find((one) => one.name === name);
    const { agent: _, ...own } = figures.find(({ agent }) => agent === name) ?? { ...NO_FIGURES, agent: name };
    const { kept = 0, missed = 0, skipped = 0 } = slots.find(({ agent }) => agent === name) ?? {};
    return {
      name,
      plugin: listing?.plugin ?? name,
      ...stateIn(states, name),
      schedule: needs.agents().get(name)?.schedule?.expression ?? null,
      ...own,
      restarts: ended.filter(({ agent }) => agent === name).length,
      slotsKept: kept,
      slotsMissed: missed,
      slotsSkipped: skipped,
    };
  }

  /** Asks over the control socket, as any client does. */
  async function health(): Promise<FleetHealth> {
    const begun = time.monotonic();
    const asked = 'control socket';
    try {
      const answer = await within(HEALTH_TIMEOUT_MS, askSocket());
      return {
        asked,
        ok: true,
        tookMs: time.monotonic() - begun,
        detail: `pid ${answer.pid}, version ${answer.version}`,
      };
    } catch (error) {
      return { asked, ok: false, tookMs: time.monotonic() - begun, detail: (error as Error).message };
    }
  }

  async function askSocket() {
    const client = await connectControl(facts.socket);
    try {
      return await client.ask('ping', {});
    } finally {
      client.close();
    }
  }

  function within<T>(ms: number, work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = time.after(ms, () => reject(new Error(`no answer within ${ms / 1_000} s`)));
      work.then(resolve, reject).finally(cancel);
    });
  }

  return {
    report,
    health,
    backUp: (to, by) => writeForAgent({ to, by, folder: facts.folder }, store.backUp),
    parts: needs.parts,
  };
}

function stateIn(states: AgentStates, name: string): Pick<FleetAgent, 'state' | 'why'> {
  const { state, why } = states.get(name) ?? { state: 'off', why: 'not in the folders any more' };
  return { state, why };
}

/** Ended jobs of each hour, hours without any included. */
function sumHours(figures: Awaited<ReturnType<FigureStore['hourFigures']>>, from: number, to: number) {
  const byHour = new Map<number, { done: number; dead: number }>();
  for (let hour = from - (from % HOUR_MS); hour < to; hour += HOUR_MS) byHour.set(hour, { done: 0, dead: 0 });
  for (const { agent, hour, done, dead } of figures) {
    const sum = isDrillAgent(agent) ? undefined : byHour.get(hour);
    if (!sum) continue;
    sum.done += done;
    sum.dead += dead;
  }
  return [...byHour].map(([hour, sum]) => ({ at: isoOf(hour), ...sum }));
}

function failuresOf(jobs: readonly Job[], from: number, to: number): FleetReport['failures'] {
  const ended = jobs.flatMap(({ id, agent, error, finishedAt: at }) =>
    error && at !== null && at >= from && at < to ? { job: id, agent, at, error } : [],
  );
  return ended.slice(0, MOST_FAILURES).map(({ error, at, ...job }) => ({
    ...job,
    at: isoOf(at),
    error: error.message,
    where: locationOf(error) || null,
  }));
}

function periodInvalid(): Fault {
  const message = `the period of a report ends after it begins, and is at most ${formatDuration(BOUNDS.report.most)} long`;
  return new Fault({ code: 'CALL_INVALID', message });
}

const NO_FIGURES = { done: 0, dead: 0, failedAttempts: 0, p50Ms: null, p95Ms: null, p99Ms: null };
