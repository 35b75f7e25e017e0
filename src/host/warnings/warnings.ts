import { toPlainFault } from '../../kernel/fault.ts';
import type { Log } from '../../kernel/log.ts';
import { createLoop } from '../../kernel/loop.ts';
import { MINUTE_MS } from '../../kernel/measures.ts';
import type { Service } from '../../kernel/service.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { Events } from '../../telemetry/events.ts';
import type { FindingStore } from '../../telemetry/ports.ts';
import {
  asWarning,
  type KeptWarning,
  type SeenWarning,
  stepWarnings,
  type Warning,
  type WarningChange,
} from '../../telemetry/warnings/warning.ts';
import type { HostBus } from '../bus.ts';

/**
 * The current warnings. Each minute every source looks; what begins, gets more certain or is over is an event and the fact `warnings.changed`. The set
 * is kept in the store: a restart tells no warning again.
 */
export interface EarlyWarnings extends Service {
  /** The most certain first. */
  current(): readonly Warning[];
  /** A source may see something else now. */
  soon(): void;
}

/** A look at some quantities. A look that rejects is no news: what it saw last still counts. */
export type WarningSource = () => Promise<readonly SeenWarning[]> | readonly SeenWarning[];

export interface EarlyWarningsNeeds {
  time: Time;
  log: Log;
  store: FindingStore;
  events: Pick<Events, 'record'>;
  bus: Pick<HostBus, 'emit'>;
  sources: Readonly<Record<string, WarningSource>>;
}

const EVERY_MS = MINUTE_MS;

export function createEarlyWarnings({ time, log, store, events, bus, sources }: EarlyWarningsNeeds): EarlyWarnings {
  let kept: KeptWarning[] = [];
  let written = '[]';
  let isRead = false;
  const lastSeen = new Map<string, readonly SeenWarning[]>();

  async function look(name: string, source: WarningSource) {
    try {
      lastSeen.set(name, await source());
    } catch (error) {
      log.warn(`the look at ${name} failed`, { fault: toPlainFault(error) });
    }
  }

  async function turn() {
    if (!isRead) kept = await readWarnings(store);
    isRead = true;
    for (const [name, source] of Object.entries(sources)) await look(name, source);
    const { current, changes } = stepWarnings(kept, [...lastSeen.values()].flat(), time.now());
    kept = current;
    for (const change of changes) record(change, time.now());
    if (changes.length > 0) bus.emit('warnings.changed', changes);
    await keep();
  }

  function record({ is, warning }: WarningChange, now: number) {
    const { agent, text, fingerprint, quantity, word, since, hitsAt, next } = warning;
    // The incident of healing tells what is acted on.
    if (is === 'due') return;
    const data = { fingerprint, quantity, word, since, hitsAt, next };
    const over = `is over after ${formatDuration(now - since)}: ${text}`;
    const message = is === 'over' ? over : text;
    const about = [subject.warning(fingerprint)];
    const event = { kind: `warning.${is}`, agent, message, data, who: 'warnings', about };
    // A warning that begins anew does not come of the one before it.
    events.record(is === 'leaking' ? 'warn' : 'info', is === 'over' ? { ...event, cameOf: about } : event);
  }

  async function keep() {
    const warnings = kept.map(({ seenAt: _, ...warning }) => warning);
    const text = JSON.stringify(warnings);
    if (text === written) return;
    await store.putFinding({ kind: 'warning', key: KEY, at: time.now(), record: { warnings } });
    written = text;
  }

  const loop = createLoop(
    { time, failed: (error) => log.error('a turn of early warnings failed', { fault: toPlainFault(error) }) },
    { everyMs: EVERY_MS, turn },
  );
  return {
    start: loop.start,
    stop: loop.stop,
    alive: loop.alive,
    soon: loop.soon,
    current: () => kept.map(asWarning),
  };
}

const KEY = 'current';

/** The warnings that the last look of a host saw. */
export async function readWarnings(store: Pick<FindingStore, 'findings'>): Promise<KeptWarning[]> {
  const [found] = await store.findings({ kind: 'warning', keys: [KEY], limit: 1 });
  const warnings = (found?.record.warnings ?? []) as Omit<KeptWarning, 'seenAt'>[];
  return warnings.map((one) => ({ ...one, seenAt: found!.at }));
}
