import { writeFileSync } from 'node:fs';
import type { HealingChange } from '../../../src/healing/ports.ts';
import { UNFINISHED } from '../../../src/jobs/model.ts';
import type { JobChange } from '../../../src/jobs/ports.ts';
import { Fault } from '../../../src/kernel/fault.ts';
import { DAY_MS } from '../../../src/kernel/measures.ts';
import { percentile } from '../../../src/kernel/statistics.ts';
import { checkWrite } from '../../../src/store/checks.ts';
import { createFeed } from '../../../src/store/feed.ts';
import type { StorePorts } from '../../../src/store/ports.ts';
import type { AgentFigures } from '../../../src/telemetry/ports.ts';
import type { TestClock } from '../laws/world.ts';
import { memoryAlerts } from './alerts.ts';
import { memoryBatches } from './batches.ts';
import { memoryDayRows } from './day-rows.ts';
import { memoryIncidents } from './incidents.ts';
import { type Calls, hourOf, memoryJobs } from './jobs.ts';
import { memoryMetrics } from './metrics.ts';
import { memoryEffects, memoryEvents, memoryFindings, memoryHeartbeats, memorySlots, memoryState } from './records.ts';

/** A change that is told some time after it was made, to those who listen then. */
function lateFeed<Change>() {
  const { changes, publish } = createFeed<Change>();
  return { changes, tell: (change: Change) => void setImmediate(() => publish(change)) };
}

/**
 * A store in memory, which takes every freedom that the ports leave: a call is carried out some turns after it was made and
 * answered some turns later, so that calls made at once overtake each other; the clock is its own; changes are told late; and as many
 * hosts as wanted hold it, each by a handle of its own.
 */
export function memoryStore(clock: TestClock, chance: () => number): { handle(): StorePorts } {
  const feeds = { jobs: lateFeed<JobChange>(), pauses: lateFeed<void>(), healing: lateFeed<HealingChange>() };
  const jobs = memoryJobs(clock, feeds.jobs.tell, (more) => events.append(more));
  const batches = memoryBatches(clock, jobs);
  const effects = memoryEffects(clock, jobs);
  const events = memoryEvents(jobs);
  const slots = memorySlots(clock, jobs, events.append);
  const incidents = memoryIncidents(clock, feeds.healing.tell, events.append);
  const heartbeats = memoryHeartbeats();
  const findings = memoryFindings();
  const alerts = memoryAlerts(clock);

  function agentFigures(from: number, to: number): AgentFigures[] {
    const isIn = (at: number | null) => at !== null && at >= from && at < to;
    const byAgent = [...Map.groupBy(jobs.all(), ({ job }) => job.agent)].sort(([a], [b]) => (a < b ? -1 : 1));
    const figures = byAgent.map(([agent, rows]) => {
      const ended = rows.map(({ job }) => job).filter(({ finishedAt }) => isIn(finishedAt));
      const done = ended.filter(({ state }) => state === 'done').map((job) => job.finishedAt! - job.startedAt!);
      const sorted = done.sort((a, b) => a - b);
      return {
        agent,
        done: done.length,
        dead: ended.filter(({ state }) => state === 'dead').length,
        failedAttempts: rows.flatMap(({ failures }) => failures).filter((one) => isIn(one.finishedAt)).length,
        p50Ms: percentile(sorted, 0.5),
        p95Ms: percentile(sorted, 0.95),
        p99Ms: percentile(sorted, 0.99),
      };
    });
    return figures.filter(({ done, dead, failedAttempts }) => done + dead + failedAttempts > 0);
  }

  function prune(before: { jobs: number; slots: number; events: number }, limit: number): number {
    const newest = Math.max(...jobs.all().map(({ age }) => age));
    const old = jobs
      .all()
      .filter(({ age, job }) => age !== newest && !UNFINISHED.includes(job.state) && job.finishedAt! < before.jobs)
      .slice(0, limit);
    for (const { job } of old) effects.forget(job.id);
    jobs.forget(old, hourOf(before.jobs - 400 * DAY_MS));
    const others = [
      slots.prune(before.slots, limit),
      events.prune(before.events, limit),
      heartbeats.prune(before.events),
      findings.prune(before.events),
      alerts.prune(before.events),
      batches.prune(before.events, limit),
    ];
    return [old.length, ...others, incidents.prune(before.events, limit)].reduce((sum, gone) => sum + gone, 0);
  }

  function backUp(to: string) {
    const text = JSON.stringify(jobs.all());
    try {
      writeFileSync(to, text, { flag: 'wx', mode: 0o600 });
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
      throw new Fault({ code: 'STORE_COPY_EXISTS', message: `${to} is there`, file: to });
    }
    return { bytes: Buffer.byteLength(text), jobs: jobs.all().length };
  }

  const state = memoryState(clock, () => feeds.pauses.tell(), events.append);
  const calls: Calls = {
    ...jobs.calls,
    ...batches.calls,
    ...effects.calls,
    ...state,
    keptBytes(agent: string) {
      const entries = (call: unknown, of: string) => (call as (of: string) => Record<string, string>[])(of);
      const own = [
        ...entries(state.stateEntries, agent),
        ...jobs.idsOf(agent).flatMap((id) => entries(effects.calls.effectsOf, id)),
      ];
      return own.reduce((sum, { key, value, result }) => sum + Buffer.byteLength(`${key}${value ?? result ?? ''}`), 0);
    },
    ...slots.calls,
    ...incidents.calls,
    ...events.calls,
    ...heartbeats.calls,
    ...findings.calls,
    ...alerts.calls,
    ...memoryDayRows(),
    ...memoryMetrics(jobs.pruneCounts),
    agentFigures,
    prune,
    backUp,
    health: () => ({ schema: 1, bytes: 1 + JSON.stringify(jobs.all()).length, detail: null }),
    // Whatever was written can be read.
    unreadable: () => [],
    setAside: () => 0,
    asides: () => [],
    asidesReported() {},
  };

  async function someTurns(): Promise<void> {
    for (let left = Math.floor(chance() * 4); left > 0; left--) await new Promise((go) => setImmediate(go));
  }

  return {
    handle() {
      const methods = Object.entries(calls).map(([name, call]) => [
        name,
        async (...args: never[]) => {
          checkWrite(name, args);
          const asked = structuredClone(args);
          await someTurns();
          const answer = structuredClone(call(...asked));
          await someTurns();
          return answer;
        },
      ]);
      return {
        ...(Object.fromEntries(methods) as Omit<StorePorts, 'changes' | 'pauseChanges' | 'healingChanges'>),
        changes: feeds.jobs.changes,
        pauseChanges: feeds.pauses.changes,
        healingChanges: feeds.healing.changes,
      };
    },
  };
}
