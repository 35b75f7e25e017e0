import type { Catalog, Probationer } from '../catalog/ports.ts';
import type { Healer } from '../healing/healer.ts';
import { type Pressure, pressureOn } from '../healing/pressure/pressure.ts';
import type { Agent } from '../jobs/agent.ts';
import { type Hold, type HoldFacts, isHeld, type Placement, planHold, planPlacement } from '../jobs/placement.ts';
import type { Workers } from '../workers/ports.ts';
import type { SafeMode } from './lifecycle/safe-mode.ts';
import type { Pauses } from './pauses.ts';
import type { Scaling } from './scaling.ts';
import type { Setup } from './secrets/setup.ts';

/**
 * The one owner of what runs, with how many workers, where, and who holds it. Facts are gathered from the rooms at each
 * question, so that an answer is never older than they are; `planPlacement` decides.
 */
export interface Placements {
  /** The agent's placement; undefined: it is not among the agents that may run. */
  of(agent: string): Placement | undefined;
  /** The agent as the workers know it that take its jobs now. */
  serving(agent: string): Agent | undefined;
  /** The hold on the agent now. With `due` (epoch ms) a pause counts that was in force then: the hold of a slot. */
  holdOf(agent: string, due?: number): Hold | null;
  /** Whether the slot of a held agent may ask for the one job that the hold allows. */
  letThrough(agent: string, due: number): boolean;
  /** Whether nothing of the agent starts, or nothing but a probe. */
  isHeld(agent: string): boolean;
  /** Hands all placements to the workers. To be called when a fact has changed. */
  apply(): void;
  /** Quarantines and pressure are facts from now on. */
  watch(health: Health, pressure: Pick<Pressure, 'facts'>): void;
}

/** Facts of healing that hold agents. */
type Health = Pick<Healer, 'quarantine' | 'allowance' | 'letThrough'>;

interface PlacementsNeeds {
  /** The agents in force, and canaries while there are drills. */
  agents(): ReadonlyMap<string, Agent>;
  catalog: { rollouts: Pick<Catalog['rollouts'], 'probationer'> };
  safeMode: Pick<SafeMode, 'holding'>;
  pauses: Pick<Pauses, 'get' | 'covering'>;
  setup: Pick<Setup, 'lacks' | 'isReady'>;
  workers: Pick<Workers, 'use' | 'serving' | 'isApart'>;
  scaling: Pick<Scaling, 'target'>;
}

export function createPlacements(needs: PlacementsNeeds): Placements {
  const { agents, safeMode, pauses, setup, workers } = needs;
  let health: Health | undefined;
  let pressure: Pick<Pressure, 'facts'> | undefined;

  function goodOf(probationer: Probationer | undefined): HoldFacts['good'] {
    const good = probationer?.good;
    return good ? { agent: good, isReady: setup.isReady(good) } : undefined;
  }

  const probationerOf = (name: string) => needs.catalog.rollouts.probationer(name);

  function quarantineOf(name: string): HoldFacts['quarantine'] {
    const record = health?.quarantine(name);
    return record && { ...record, allowance: health!.allowance(name) };
  }

  function holdFacts(name: string, due?: number): HoldFacts {
    const lacks = setup.lacks(name);
    return {
      name,
      safeMode: safeMode.holding(name),
      pause: due === undefined ? pauses.get(name) : pauses.covering(name, due),
      lacks,
      good: lacks && goodOf(probationerOf(name)),
      quarantine: quarantineOf(name),
      pressure: pressureOn(pressure?.facts(), agents().get(name)?.class),
    };
  }

  function plan(agent: Agent, probationer: Probationer | undefined): Placement {
    const { name } = agent;
    return planPlacement({
      ...holdFacts(name),
      good: goodOf(probationer),
      agent,
      isChosen: probationer === undefined,
      serving: workers.serving?.(name),
      isApart: workers.isApart?.(agent),
      scaledTo: needs.scaling.target(agent),
    });
  }

  const holdOf = (name: string, due?: number) => planHold(holdFacts(name, due));

  return {
    of(name) {
      const agent = agents().get(name);
      return agent && plan(agent, probationerOf(name));
    },
    serving: (name) => workers.serving?.(name) ?? agents().get(name),
    holdOf,
    letThrough: (name, due) => health?.letThrough(name, due) ?? false,
    isHeld(name) {
      const hold = holdOf(name);
      return isHeld(hold) || hold?.allowance === 0;
    },
    watch(givenHealth, givenPressure) {
      health = givenHealth;
      pressure = givenPressure;
    },
    apply() {
      workers.use([...agents().values()].map((agent) => plan(agent, probationerOf(agent.name))));
    },
  };
}
