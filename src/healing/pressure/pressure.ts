import type { Agent } from '../../jobs/agent.ts';
import type { PressureHold } from '../../jobs/placement.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { toPlainFault } from '../../kernel/fault.ts';
import type { Log, LogLevel } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { PRESSURE_STEPS } from '../../kernel/pressure-steps.ts';
import type { Service } from '../../kernel/service.ts';
import type { Time } from '../../kernel/time.ts';
import type { RoomEvent, Signal } from '../signals.ts';
import { type Climb, climb, FIRST_CLIMB, LADDERS, type PressureStep, rungOf } from './rungs.ts';
import {
  KEPT_MS,
  type Pressed,
  type PressedResource,
  type PressureMarks,
  type PressureSample,
  strainOf,
} from './strain.ts';
import { easedWords, steppedWords } from './words.ts';

/** A step that is in force, for people. */
export interface StepInForce {
  step: PressureStep;
  rung: number;
  resource: PressedResource;
  /** Epoch ms. */
  since: number;
  /** The figures at the look that brought it. */
  seen: string;
}

/** Facts of pressure. `since`: of the first step. `seen`: of the highest. */
export interface PressureFacts extends Pick<PressureHold, 'since' | 'growth' | 'leastPriority' | 'seen'> {
  /** Agents of the class `background` wait. */
  defersBackground: boolean;
  /** Slots of an absence wait. */
  pausesCatchUp: boolean;
  /** Background jobs that agents send are refused. */
  refusesSends: boolean;
  /** Workers of all agents together, at most, while memory is short: as many as there were, and one more after each step that was lifted. */
  mostWorkers: number;
}

/** Watches memory, processor quota and disk, and says what may start: the one owner of the rung. */
export interface Pressure extends Service {
  /** undefined: no step is in force. */
  facts(): PressureFacts | undefined;
  /** The bound on the workers of all agents together; Infinity: none. The bound outlasts the steps while agents wait for room. */
  mostWorkers(): number;
  /** The steps in force, mildest first. */
  inForce(): StepInForce[];
  /** How each resource was at the last look. */
  resources(): { resource: PressedResource; is: Pressed['is']; seen: string }[];
}

interface PressureNeeds {
  time: Time;
  log: Log;
  /** Reads the machine. */
  read(): Promise<Omit<PressureSample, 'at'>>;
  marks(): PressureMarks;
  /** How long a resource has to be relieved before a step is lifted. */
  reliefMs(): number;
  /** Steps came into force, or were lifted: `isEasing`. */
  changed(isEasing: boolean): void;
  /** How many workers are at work, or are there for a critical agent; those of agents that run always do not count. */
  workers(): number;
  /** Whether agents with due jobs wait for room. */
  lacksRoom(): boolean;
  /** Lets go the idle workers that no agent is promised to have. */
  dropIdle(): void;
  /** Lets the worker go, between two jobs, that grew most. */
  recycleGrower(): void;
  /** An incident, with what was done about it, and the event of the step. */
  report(seen: Signal, note: string, event?: RoomEvent): void;
  /** The incident of memory is over. */
  mended(proof: string): void;
  record(event: RoomEvent): void;
}

/** The priority of jobs for slots of an absence while they wait: they start after all others. */
export const CATCH_UP_PRIORITY = BOUNDS.priority.least;

const LOOK_MS = 1_000;
/** A step that helps by being taken again is taken again no sooner. */
const AGAIN_MS = 10_000;
/** At the top of the ladder of memory, and still pressed: somebody is asked after so long. */
const ASK_AFTER_MS = 60_000;
const RESOURCES = Object.keys(LADDERS) as PressedResource[];

export function createPressure(needs: PressureNeeds): Pressure {
  const { time } = needs;
  const climbs = new Map<PressedResource, Climb>(RESOURCES.map((resource) => [resource, FIRST_CLIMB]));
  const inForce: StepInForce[] = [];
  let samples: PressureSample[] = [];
  let latest: { resource: PressedResource; is: Pressed['is']; seen: string }[] = [];
  /** An incident of memory may be open: at first one of the host before. */
  let mayBeOpen = true;
  let mostWorkers = Number.POSITIVE_INFINITY;
  let boundAt = Number.NEGATIVE_INFINITY;
  let helpedAt = Number.NEGATIVE_INFINITY;
  let reportedAt = Number.NEGATIVE_INFINITY;

  const has = (step: PressureStep) => inForce.some((one) => one.step === step);

  function enter(resource: PressedResource, step: PressureStep, { seen }: Pressed) {
    inForce.push({ step, rung: rungOf(step), resource, since: time.now(), seen });
    inForce.sort((a, b) => a.rung - b.rung);
    const event = eventOf('pressure.stepped', 'warn', steppedWords(resource, step, seen), { resource, step, seen });
    if (resource !== 'memory') return needs.record(event);
    reportedAt = time.monotonic();
    mayBeOpen = true;
    needs.report(signalOf(seen), event.message, event);
  }

  function ease(resource: PressedResource, step: PressureStep, { seen }: Pressed) {
    const at = inForce.findIndex((one) => one.resource === resource && one.step === step);
    inForce.splice(at, 1);
    needs.record(eventOf('pressure.eased', 'info', easedWords(resource, step, seen), { resource, step, seen }));
  }

  /** Takes at most one step of one ladder, and says whether it did. */
  function follow(resource: PressedResource, pressed: Pressed): 'up' | 'down' | undefined {
    const before = climbs.get(resource)!;
    const ladder = LADDERS[resource];
    const after = climb(before, pressed.is, time.monotonic(), {
      most: ladder.length,
      reliefMs: needs.reliefMs(),
    });
    climbs.set(resource, after);
    if (after.steps > before.steps) {
      enter(resource, climbedSteps(resource, after).at(-1)!, pressed);
      return 'up';
    }
    if (after.steps === before.steps) return undefined;
    ease(resource, climbedSteps(resource, before).at(-1)!, pressed);
    return 'down';
  }

  /** Few workers at first do the work that waited: all at once it would take the room that there is again. */
  function bound(move: 'up' | 'down') {
    // Where background work waits, there is a place for what does not, however long those that are at work go on.
    const more = move === 'down' || has('defer-background') ? 1 : 0;
    mostWorkers = Math.max(1, needs.workers()) + more;
    boundAt = time.monotonic();
  }

  /** No step is in force: the bound grows for as long as agents wait for room, and is gone when none does. True: it did. */
  function widen(memory: Pressed): boolean {
    const now = time.monotonic();
    const isBound = mostWorkers < Number.POSITIVE_INFINITY && climbs.get('memory')!.steps === 0;
    if (!isBound || memory.is !== 'relieved' || now - boundAt < needs.reliefMs()) return false;
    boundAt = now;
    const more = Math.max(1, Math.floor(mostWorkers / 4));
    mostWorkers = needs.lacksRoom() ? mostWorkers + more : Number.POSITIVE_INFINITY;
    return true;
  }

  /** Does again what helps by being done again: a worker that has no work keeps what its last job left. */
  function help(memory: Pressed, isNew: boolean) {
    const isPressed = memory.is === 'pressed' || memory.is === 'critical';
    const now = time.monotonic();
    if (!has('shrink-idle') || (!isNew && now - helpedAt < AGAIN_MS)) return;
    helpedAt = now;
    needs.dropIdle();
    if (!isPressed) return;
    if (has('recycle-grower')) needs.recycleGrower();
    if (has('refuse-sends') && now - reportedAt >= ASK_AFTER_MS) {
      reportedAt = now;
      needs.report(signalOf(memory.seen), 'all that helps without a person has been done');
    }
  }

  async function look() {
    const now = time.monotonic();
    const { reading, disk } = await needs.read();
    samples = [...samples.filter(({ at }) => at >= now - KEPT_MS - 2 * LOOK_MS), { at: now, reading, disk }];
    const marks = needs.marks();
    const strains = RESOURCES.map((resource) => ({ resource, ...strainOf(resource, samples, marks) }));
    latest = strains;
    const moves = strains.map(({ resource, ...pressed }) => follow(resource, pressed));
    const [memory] = strains;
    if (moves[0] !== undefined) bound(moves[0]);
    const isWider = widen(memory!);
    if (mayBeOpen && memory!.is === 'relieved' && climbs.get('memory')!.steps === 0) {
      mayBeOpen = false;
      needs.mended(`there is room again: ${memory!.seen}`);
    }
    if (isWider || moves.some((move) => move !== undefined)) needs.changed(isWider || moves.includes('down'));
    help(memory!, moves[0] === 'up');
  }

  const loop = createLoop(
    { time, failed: (error) => needs.log.error('a look at the machine failed', { fault: toPlainFault(error) }) },
    { everyMs: LOOK_MS, turn: look },
  );

  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    facts() {
      if (inForce.length === 0) return undefined;
      return {
        since: Math.min(...inForce.map(({ since }) => since)),
        growth: has('shrink-idle') ? 'shrink' : has('hold-growth') ? 'held' : 'free',
        leastPriority: has('defer-background') ? 0 : has('pause-catch-up') ? CATCH_UP_PRIORITY + 1 : undefined,
        defersBackground: has('defer-background'),
        pausesCatchUp: has('pause-catch-up'),
        refusesSends: has('refuse-sends'),
        mostWorkers,
        seen: inForce.at(-1)!.seen,
      };
    },
    mostWorkers: () => mostWorkers,
    inForce: () => [...inForce],
    resources: () => latest,
  };
}

/** The limits on an agent of a class: a critical one keeps its workers, and of its work waits only what was given a priority below 0. */
export function pressureOn(facts: PressureFacts | undefined, of: Agent['class']): PressureHold | undefined {
  if (!facts) return undefined;
  const { since, growth, leastPriority, seen, defersBackground } = facts;
  const isCritical = of === 'critical';
  return {
    ...{ since, leastPriority, seen },
    growth: isCritical && growth === 'shrink' ? 'held' : growth,
    waits: of === 'background' && defersBackground,
  };
}

function signalOf(seen: string): Signal {
  return { agent: null, verdict: 'pressed', because: { code: 'PRESSED', message: '' }, seen };
}

function eventOf(
  kind: string,
  level: LogLevel,
  message: string,
  data: { resource: PressedResource; step: PressureStep; seen: string },
): RoomEvent {
  return {
    level,
    kind,
    message,
    data: { ...data, rung: rungOf(data.step), of: PRESSURE_STEPS.length },
    who: 'healing',
    about: [],
  };
}

/** The steps that a resource has in force, mildest first. */
function climbedSteps(resource: PressedResource, { steps }: Climb): readonly PressureStep[] {
  return LADDERS[resource].slice(0, steps);
}
