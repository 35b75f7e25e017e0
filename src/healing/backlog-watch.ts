import type { Agent } from '../jobs/agent.ts';
import type { JobRecords } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import { growthOf, growthWords, type Waiting, WINDOWS, withLook } from './backlog.ts';
import { newestWith, type OpenIncidents } from './open-incidents.ts';
import type { Signals } from './signals.ts';

/** Sees queues that grow without end, and that they do no more. */
interface BacklogWatch {
  look(): Promise<void>;
}

export interface BacklogWatchNeeds extends Pick<Signals, 'notice' | 'heal'> {
  time: Time;
  store: Pick<JobRecords, 'backlog'>;
  openIncidents: Pick<OpenIncidents, 'all' | 'of' | 'next' | 'apply'>;
  agent(name: string): Agent | undefined;
  /** Nothing of it starts, by somebody's will: it has to grow much before that is worth a word. */
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

/** What a person can do about it. */
function wayOut(name: string, agent: Agent | undefined): string {
  const seldom = agent?.schedule ? ', a schedule that fires less often, or overlap: skip' : '';
  const workers = agent ? ` (now ${agent.workers.max})` : '';
  return `workers.max${workers}${seldom}; daruma cancel --agent ${name} --state queued takes away what waits`;
}
