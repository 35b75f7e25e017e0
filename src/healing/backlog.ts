import type { Agent } from '../jobs/agent.ts';
import type { JobRecords } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import { formatDuration } from '../kernel/units.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';

/** How many due jobs of an agent waited at one look; `at` in epoch ms. */
export interface Waiting {
  at: number;
  count: number;
  dueSince: number;
}

/** A queue that grows without end, and where that leads. */
interface Growth {
  count: number;
  /** Jobs that come, beyond those that are done, in a minute. */
  perMinute: number;
  /** How long the first of the jobs has waited. */
  waitedMs: number;
  /** Jobs that will wait in an hour at the present growth. */
  inAnHour: number;
}

/** How far back looks are compared, and how far apart they are at least. A tight schedule is seen within a minute, one of every few minutes within the hours that it takes. */
interface Window {
  spanMs: number;
  everyMs: number;
}
export const WINDOWS: readonly Window[] = [
  { spanMs: 50_000, everyMs: 0 },
  { spanMs: 720_000, everyMs: 120_000 },
  { spanMs: 5_400_000, everyMs: 900_000 },
];
/** Fewer waiting jobs than this are no backlog. */
const FEWEST = 10;
/** The least number of looks for a verdict. */
const LEAST_SAMPLES = 4;
/** The least part of the growth that each half of the window has: what came all at once is a crowd, and may be worked off. */
const LEAST_OF_HALF = 0.2;

/**
 * Whether the queue grew through the whole window: in both of its halves, with no dip that is worth the name. A crowd that came
 * at once, or that is worked off, is none.
 */
export function growthOf(samples: readonly Waiting[], { spanMs }: Window, fewest = FEWEST): Growth | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || samples.length < LEAST_SAMPLES || last.at - first.at < spanMs * 0.75) return undefined;
  const growth = last.count - first.count;
  if (last.count < fewest || growth < fewest / 2) return undefined;
  const middle = samples[Math.floor(samples.length / 2)]!.count;
  if (Math.min(middle - first.count, last.count - middle) < growth * LEAST_OF_HALF) return undefined;
  let peak = 0;
  for (const { count } of samples) {
    if (count < peak - Math.max(1, peak * 0.05)) return undefined;
    peak = Math.max(peak, count);
  }
  const perMinute = (growth / (last.at - first.at)) * 60_000;
  return {
    count: last.count,
    perMinute,
    waitedMs: Math.max(0, last.at - last.dueSince),
    inAnHour: Math.round(last.count + perMinute * 60),
  };
}

/** The looks of a window that still count, with one more if it is far enough from the last. */
function withLook(samples: readonly Waiting[], look: Waiting, { spanMs, everyMs }: Window): readonly Waiting[] {
  const before = samples.at(-1);
  if (before && look.at >= before.at && look.at - before.at < everyMs) return samples;
  return [...samples.filter(({ at }) => at <= look.at && look.at - at <= spanMs), look];
}

/** `29 jobs wait, and 43 more a minute come than are done; at this pace it never catches up, and 2609 wait in an hour; the first has waited 32s` */
function growthWords({ count, perMinute, waitedMs, inAnHour }: Growth): string {
  const more =
    perMinute >= 1
      ? `${Math.round(perMinute)} more a minute`
      : `${Math.max(1, Math.round(perMinute * 60))} more an hour`;
  return `${count} jobs wait, and ${more} come than are done; at this pace it never catches up, and ${inAnHour} wait in an hour; the first has waited ${formatDuration(waitedMs)}`;
}

/** Sees queues that grow without end, and that they do no more. */
interface BacklogWatch {
  look(): Promise<void>;
}

export interface BacklogWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  store: Pick<JobRecords, 'backlog'>;
  openIncidents: Pick<OpenIncidents, 'all' | 'of' | 'next' | 'apply'>;
  agent(name: string): Agent | undefined;
  /** The agent is held on purpose: its backlog has to grow much before it is reported. */
  isHeld(agent: string): boolean;
}

/** How long a backlog that is known grows on before that is written down again. */
const REPORT_AGAIN_AFTER_MS = 600_000;
/** Fewer that wait for an agent that is held are what was meant. */
const FEWEST_OF_HELD = 1_000;

export function createBacklogWatch(needs: BacklogWatchNeeds): BacklogWatch {
  const { time, store, openIncidents, notice, heal } = needs;
  /** By agent, the looks of each window. */
  let samples = new Map<string, (readonly Waiting[])[]>();
  /** The most that waited since the incident was opened. */
  const peaks = new Map<string, number>();

  function grows(agent: string, of: (readonly Waiting[])[], now: number) {
    const fewest = needs.isHeld(agent) ? FEWEST_OF_HELD : undefined;
    const growth = WINDOWS.map((window, i) => growthOf(of[i]!, window, fewest)).find((one) => one !== undefined);
    if (!growth) return;
    const known = newestWith(openIncidents.of(agent), 'falling-behind');
    if (known && now - known.lastAt < REPORT_AGAIN_AFTER_MS) return;
    const seen = growthWords(growth);
    const because = { code: 'FALLING_BEHIND', message: seen, next: wayOut(agent, needs.agent(agent)) };
    const one = notice({ agent, verdict: 'falling-behind', because, seen }, null);
    if (known) return;
    const text = because.next;
    openIncidents.next(one, () => openIncidents.apply(one, { is: 'remarked', at: now, text }));
  }

  return {
    async look() {
      const now = time.now();
      const before = samples;
      samples = new Map();
      for (const { agent, count, dueSince } of await store.backlog()) {
        const look = { at: now, count, dueSince };
        const of = WINDOWS.map((window, i) => withLook(before.get(agent)?.[i] ?? [], look, window));
        samples.set(agent, of);
        peaks.set(agent, Math.max(peaks.get(agent) ?? 0, count));
        if (needs.agent(agent)) grows(agent, of, now);
      }
      for (const name of peaks.keys()) if (!samples.has(name)) peaks.delete(name);
      for (const one of openIncidents.all()) {
        const { agent, verdict } = one.incident;
        if (verdict !== 'falling-behind' || agent === null) continue;
        const waiting = samples.get(agent)?.[0]?.at(-1)?.count ?? 0;
        const peak = peaks.get(agent) ?? 0;
        if (waiting > peak / 2) continue;
        peaks.set(agent, waiting);
        heal(one, waiting === 0 ? 'nothing waits any more' : `${waiting} wait, of ${peak}`);
      }
    },
  };
}

/** The next step for a person. */
function wayOut(name: string, agent: Agent | undefined): string {
  const seldom = agent?.schedule ? ', a schedule that fires less often, or overlap: skip' : '';
  const workers = agent ? ` (now ${agent.workers.max})` : '';
  return `workers.max${workers}${seldom}; daruma cancel --agent ${name} --state queued takes away what waits`;
}
