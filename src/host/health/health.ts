import { mutesNow } from '../../healing/mutes.ts';
import type { Verdict } from '../../healing/ports.ts';
import type { StepInForce } from '../../healing/pressure/pressure.ts';
import type { PressedResource } from '../../healing/pressure/strain.ts';
import { stepWords } from '../../healing/pressure/words.ts';
import { isDrillAgent } from '../../kernel/drill-agents.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { DAY_MS, MINUTE_MS } from '../../kernel/measures.ts';
import type { HealthView } from '../../operations/results/health.ts';
import type { HostContext } from '../host-context.ts';
import { decideHealth, type HealthFacts } from './decide.ts';
import { pingsOf } from './pings.ts';

type HealthNeeds = Pick<
  HostContext,
  | 'time'
  | 'store'
  | 'catalog'
  | 'states'
  | 'healer'
  | 'pressure'
  | 'outbound'
  | 'workers'
  | 'journal'
  | 'heartbeats'
  | 'loopAges'
  | 'warnings'
>;

/** The longest that a client waits for the store's facts: clients have deadlines of their own. */
const STORED_WITHIN_MS = 500;
/** Facts of the store that are younger are given again: probes come often, and from several sides. */
const FRESH_MS = 1_000;
/** A store that was slow to answer for so long is silent. */
const SILENT_AFTER_MS = 15_000;
/** The time for which health tells of lost log lines. */
const DROPPED_FOR_MS = 10 * MINUTE_MS;

type Stored = NonNullable<HealthFacts['stored']> & {
  nextSlots: ReadonlyMap<string, number>;
  /** Fingerprints of the causes that are muted now. */
  muted: ReadonlySet<string>;
};

/** Answers the operation `health`, within half a second also while the store gives no answer. */
export function createHealth(needs: HealthNeeds): () => Promise<HealthView> {
  const { heartbeats } = needs;
  const stored = createLatest(needs, () => readStored(needs));
  const droppedLines = countDropped(needs);

  return async () => {
    const known = await stored();
    const pings = pingsOf(needs);
    const loops = Object.entries(needs.loopAges()).map(([name, agoMs]) => ({ name, agoMs }));
    const decision = decideHealth({
      loops,
      stored: known,
      pings,
      storeRefusal: heartbeats.refusal(),
      cellFault: needs.workers.view().cellFault,
      droppedLines: droppedLines(),
      ...incidentFacts(needs, known?.muted ?? new Set()),
      warnings: needs.warnings(),
    });
    return {
      ...decision,
      loops,
      agents: agentsNow(needs, known),
      pings: pings.map(({ name, at, withinMs, isLate }) => ({ name, at: isoOf(at), withinMs, late: isLate })),
    };

    function agentsNow({ catalog }: HealthNeeds, of: Stored | undefined): HealthView['agents'] {
      return [...catalog.agents().keys()].sort().map((name) => ({
        name,
        lastRun: isoOrNull(heartbeats.of('run').get(name)),
        lastBeat: isoOrNull(heartbeats.of('beat').get(name)),
        nextSlot: isoOrNull(of?.nextSlots.get(name)),
      }));
    }
  };
}

async function readStored({ time, store, catalog, states }: HealthNeeds): Promise<Stored> {
  const [statuses, unscheduled, asides, mutes] = await Promise.all([
    states.all(),
    states.unscheduled(),
    store.asides({ limit: 1_000 }),
    store.mutes(),
  ]);
  const since = time.now() - DAY_MS;
  const agents = catalog.listings().map(({ name, plugin, is }) => {
    const { state, why, mutedUntil } = statuses.get(name)!;
    return { name, plugin, state, why, isRejected: is === 'rejected', isMuted: mutedUntil !== null };
  });
  return {
    agents,
    unplanned: unscheduled.filter(({ fault }) => fault.code === 'NOT_PLANNED'),
    scheduled: [...catalog.agents().values()].filter(({ schedule }) => schedule).length,
    asides: asides.filter(({ at }) => at >= since).length,
    muted: new Set(mutesNow(mutes, time.now()).keys()),
    nextSlots: new Map([...statuses].flatMap(([name, { nextSlot }]) => (nextSlot ? [[name, nextSlot]] : []))),
  };
}

/**
 * Reads facts of the store, at most one read at a time. Resolves with new facts, with those of a short while ago when the store takes
 * too long, and with undefined when there has been no answer for {@link SILENT_AFTER_MS}.
 */
function createLatest<Value>({ time }: Pick<HealthNeeds, 'time'>, read: () => Promise<Value>) {
  let latest: { value: Value; at: number } | undefined;
  let reading: Promise<Value | undefined> | undefined;

  return async (): Promise<Value | undefined> => {
    const now = time.monotonic();
    if (latest && now - latest.at < FRESH_MS) return latest.value;
    reading ??= read().then(
      (value) => {
        latest = { value, at: time.monotonic() };
        reading = undefined;
        return value;
      },
      () => {
        reading = undefined;
        return undefined;
      },
    );
    const late = Promise.withResolvers<undefined>();
    const cancel = time.after(STORED_WITHIN_MS, () => late.resolve(undefined));
    const value = await Promise.race([reading, late.promise]).finally(cancel);
    if (value !== undefined) return value;
    return latest && time.monotonic() - latest.at < SILENT_AFTER_MS ? latest.value : undefined;
  };
}

/** The facts that incidents tell, without those whose causes are muted. */
function incidentFacts(
  { healer, outbound, pressure }: HealthNeeds,
  muted: ReadonlySet<string>,
): Pick<HealthFacts, 'diskShort' | 'memoryShort' | 'quotaShort' | 'escalated' | 'down'> {
  const all = healer.open().filter(({ agent }) => agent === null || !isDrillAgent(agent));
  const [open, quiet] = [
    all.filter((one) => !muted.has(one.fingerprint)),
    all.filter((one) => muted.has(one.fingerprint)),
  ];
  const inForce = pressure.inForce();
  const isQuiet = (verdict: Verdict) => quiet.some((one) => one.verdict === verdict);
  const quietOrigins = new Set(quiet.map(({ evidence }) => evidence?.fault?.data?.origin));
  return {
    diskShort: open.find(({ verdict }) => verdict === 'disk-short')?.seen,
    memoryShort: isQuiet('pressed') ? undefined : shortWords(inForce, 'memory'),
    quotaShort: shortWords(inForce, 'cpu'),
    escalated: open.filter(({ state, verdict }) => state === 'escalated' && verdict !== 'disk-short'),
    down: outbound
      .view()
      .filter(({ origin, is }) => is !== 'closed' && !quietOrigins.has(origin))
      .map(({ origin, last }) => ({ origin, why: last?.what ?? 'it is down' })),
  };
}

/** The steps in force for a resource, for people; undefined: none is. */
function shortWords(inForce: readonly StepInForce[], resource: PressedResource): string | undefined {
  const highest = inForce.findLast((one) => one.resource === resource);
  return highest && `${highest.seen}; ${stepWords(highest.step)} since ${isoOf(highest.since)}`;
}

/** Counts the log lines that were lost, for some minutes after the newest loss. */
function countDropped({ time, journal }: HealthNeeds): () => number {
  let seen = 0;
  let seenAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = time.monotonic();
    const all = journal.dropped();
    if (all > seen) seenAt = now;
    seen = all;
    return now - seenAt < DROPPED_FOR_MS ? all : 0;
  };
}
