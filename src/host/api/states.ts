import type { Catalog } from '../../catalog/ports.ts';
import type { HoldUpView } from '../../control/protocol.ts';
import { mutedUntil, mutesNow } from '../../healing/mutes.ts';
import type { Incident, IncidentStore } from '../../healing/ports.ts';
import type { AgentOverview, JobRecords, StateStore } from '../../jobs/ports.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import type { Time } from '../../kernel/time.ts';
import { type Planning, whyUnscheduled } from '../../schedule/planning.ts';
import type { SlotStore } from '../../schedule/ports.ts';
import { orphanProblem, orphansOf, stateLeft } from '../orphans.ts';
import type { Placements } from '../placements.ts';
import { type AgentWord, agentState } from './agent-state.ts';
import type { HoldUps } from './hold-ups.ts';

export interface AgentStatus {
  state: AgentWord;
  why: string;
  overview: AgentOverview | undefined;
  /** Why its newest job does not start; null: nothing holds it up, or nobody knows while the host is down. */
  holdUp: HoldUpView | null;
  /** Epoch ms. */
  nextSlot: number | undefined;
  /** Until when the causes of all its open incidents are muted, epoch ms; null: it has none, or one is not muted. */
  mutedUntil: number | null;
}

/** The state of every agent, from the store's rows and the catalog. */
export interface States {
  all(): Promise<Map<string, AgentStatus>>;
  /** Jobs and state that agents left which are gone. */
  left(): Promise<Left>;
  unscheduled(): ReturnType<typeof findUnscheduled>;
}

export interface Left {
  problems: PlainFault[];
  notes: PlainFault[];
  /** Jobs that are queued, and those that wait for another attempt as well. */
  queued: number;
  waiting: number;
}

interface StatesNeeds {
  time: Time;
  store: Pick<JobRecords, 'overview'> &
    Pick<SlotStore, 'nextSlots'> &
    Pick<StateStore, 'stateSizes'> &
    Pick<IncidentStore, 'mutes'>;
  catalog: Pick<Catalog, 'listings' | 'agents' | 'gone'>;
  /** The planning of the agent's slots; not known while the host is down. */
  planning?(agent: string): Planning | undefined;
  placements: Pick<Placements, 'holdOf'>;
  /** Why jobs do not start; not known while the host is down. */
  holdUpsOf?: HoldUps;
  /** Incidents that have not ended, oldest first. */
  healer: { open(): Incident[] };
}

export function createStates({ time, store, catalog, placements, healer, planning, holdUpsOf }: StatesNeeds): States {
  async function all() {
    const planned = planningsOf({ catalog, planning });
    const [overviews, next, mutes] = await Promise.all([store.overview(), store.nextSlots(), store.mutes()]);
    const muted = mutesNow(mutes, time.now());
    const newest = overviews.flatMap((one) => one.newest ?? []);
    const holdUps = (await holdUpsOf?.(newest)) ?? [];
    const holdUpOf = new Map(newest.map(({ agent }, at) => [agent, holdUps[at] ?? null]));
    const overviewOf = new Map(overviews.map((one) => [one.agent, one]));
    const nextOf = new Map(next.map(({ agent, due }) => [agent, due]));
    const incidents = Map.groupBy(healer.open(), ({ agent }) => agent);
    const statuses = new Map<string, AgentStatus>();
    for (const listing of catalog.listings()) {
      const { name } = listing;
      const overview = overviewOf.get(name);
      const nextSlot = nextOf.get(name);
      const facts = {
        listing,
        overview,
        holdUp: holdUpOf.get(name) ?? null,
        hold: placements.holdOf(name),
        incident: incidents.get(name)?.at(-1),
        nextSlot,
        planning: planned.get(name),
        hasTopics: (catalog.agents().get(name)?.on.length ?? 0) > 0,
        now: time.now(),
      };
      const until = mutedUntil(incidents.get(name) ?? [], muted);
      statuses.set(name, { ...agentState(facts), overview, holdUp: facts.holdUp, nextSlot, mutedUntil: until });
    }
    return statuses;
  }

  async function left(): Promise<Left> {
    const gone = catalog.gone();
    const orphans = orphansOf(await store.overview(), catalog.listings());
    return {
      problems: orphans.map((one) => orphanProblem(one, gone)),
      notes: await stateLeft(gone, store),
      queued: orphans.reduce((sum, one) => sum + one.queued, 0),
      waiting: orphans.reduce((sum, one) => sum + one.waiting, 0),
    };
  }

  return { all, unscheduled: () => findUnscheduled({ time, store, catalog, planning }), left };
}

/** Plannings come before rows are read, so that each slot planned by then is among the rows. */
function planningsOf({ catalog, planning }: Pick<StatesNeeds, 'planning'> & { catalog: Pick<Catalog, 'listings'> }) {
  return new Map(catalog.listings().map(({ name }) => [name, planning?.(name)]));
}

/** Agents in force with a schedule and without a next slot, and why: the law says that there are none. */
export async function findUnscheduled(
  needs: Pick<StatesNeeds, 'time' | 'planning'> & {
    catalog: Pick<Catalog, 'listings'>;
    store: Pick<SlotStore, 'nextSlots'>;
  },
): Promise<{ agent: string; fault: PlainFault }[]> {
  const planned = planningsOf(needs);
  const next = new Map((await needs.store.nextSlots()).map(({ agent, due }) => [agent, due]));
  const now = needs.time.now();
  return [...planned].flatMap(([agent, one]) => {
    const fault = whyUnscheduled(one, next.get(agent), now);
    return fault ? [{ agent, fault }] : [];
  });
}
