import { isDeepStrictEqual } from 'node:util';
import { type JobEvent, type JobLife, newJob, stepJob } from '../../../src/jobs/job-state.ts';
import { type Job, type JobState, type NewJob, UNFINISHED } from '../../../src/jobs/model.ts';
import type {
  AttemptRecord,
  AttemptRef,
  ClaimRequest,
  ClaimTerms,
  JobChange,
  JobFilter,
  JobQueue,
  JobSet,
  Settlement,
} from '../../../src/jobs/ports.ts';
import type { Debounced } from '../../../src/kernel/debounce.ts';
import type { PlainFault } from '../../../src/kernel/fault.ts';
import { type KeyLimit, limitKeyOf, nextStartOfKey, roomOfKey } from '../../../src/kernel/key-limit.ts';
import { HOUR_MS } from '../../../src/kernel/measures.ts';
import { subject } from '../../../src/kernel/subjects.ts';
import type { FleetEvent } from '../../../src/telemetry/ports.ts';
import type { TestClock } from '../laws/world.ts';
import { memoryAggregates } from './aggregates.ts';

export interface Row {
  age: number;
  job: Job;
  life: JobLife;
  failures: AttemptRecord[];
  /** By which it takes the input of others over. */
  debounce: string | null;
  furtherKeys: string[];
  end?: unknown[];
  /** Counts ends: the higher, the later. */
  endedAs?: number;
}

/** The calls of a store as plain functions. */
export type Calls = Record<string, (...args: never[]) => unknown>;

/** The jobs of a store in memory. What becomes of a job is decided by `stepJob` alone. */
export type MemoryJobs = ReturnType<typeof memoryJobs>;

export function memoryJobs(
  clock: TestClock,
  tell: (change: JobChange) => void,
  append: (events: FleetEvent[]) => void,
) {
  const rows = new Map<string, Row>();
  const ends: { agent: string; state: JobState; at: number }[] = [];
  const starts: { agent: string; job: string; key: string; at: number }[] = [];
  const aggregates = memoryAggregates();
  let settled = 0;
  let ids = 0;
  const all = () => [...rows.values()];
  const isReady = ({ life }: Row) => life.is === 'queued' || life.is === 'retrying';

  function step(row: Row | undefined, event: JobEvent): boolean {
    const next = row ? stepJob(row.life, event) : 'refused';
    if (!row || next === 'refused') return false;
    row.life = next;
    if (event.is !== 'promoted' && event.is !== 'renewed') delete row.end;
    const { job } = row;
    Object.assign(job, { state: next.is, attempt: next.attempt, attempts: next.attempts });
    if ('runAt' in next) job.runAt = next.runAt;
    return true;
  }

  const holderOf = (agent: string, key: string | null | undefined) =>
    key == null
      ? undefined
      : all().find(
          ({ job, furtherKeys }) =>
            job.agent === agent && (job.key === key || furtherKeys.includes(key)) && job.state !== 'cancelled',
        );

  /** The job that takes the input of another over. */
  function waitingFor(asked: NewJob, terms: Debounced) {
    const row = all().findLast(
      ({ job, debounce }) =>
        job.agent === asked.agent && debounce === terms.key && job.state === 'queued' && job.attempt === 0,
    );
    if (row?.life.is !== 'queued') return undefined;
    const { job } = row;
    const sameInput = job.input === asked.input;
    const { trigger, input, attempts, key, priority = 0, parent = null, depth = 0 } = asked;
    const runAt = Math.min(asked.runAt ?? clock.now + (asked.inMs ?? 0), job.queuedAt + terms.timeoutMs);
    const staleAt = asked.staleAt ?? (asked.staleAfterMs === undefined ? null : runAt + asked.staleAfterMs);
    row.life = { ...row.life, ...newJob(runAt, attempts, staleAt) };
    Object.assign(job, { trigger, input, attempts, parent, depth, runAt, staleAt });
    job.priority = Math.max(job.priority, priority);
    if (key !== undefined) row.furtherKeys.push(key);
    return { id: job.id, isNew: false, first: { state: job.state, queuedAt: job.queuedAt, sameInput, tookOver: true } };
  }

  function add(asked: NewJob) {
    const holder = holderOf(asked.agent, asked.key);
    if (holder) {
      const { id, state, queuedAt, input } = holder.job;
      return { id, isNew: false, first: { state, queuedAt, sameInput: input === asked.input } };
    }
    const now = clock.now;
    const other = asked.debounce && waitingFor(asked, asked.debounce);
    if (other) return other;
    const { agent, trigger, input, attempts, slot = null, key = null, priority = 0, parent = null, depth = 0 } = asked;
    const runAt = asked.runAt ?? now + (asked.inMs ?? 0);
    const staleAt = asked.staleAt ?? (asked.staleAfterMs === undefined ? null : runAt + asked.staleAfterMs);
    const life = newJob(runAt, attempts, staleAt);
    const id = `job-${(++ids).toString(36)}`;
    const asks = { id, agent, trigger, input, attempts, slot, key, priority, parent, depth, runAt, staleAt };
    const still = { version: null, startedAt: null, finishedAt: null, result: null, summary: null, error: null };
    const job: Job = { ...asks, ...still, state: 'queued', attempt: 0, queuedAt: now, cause: null };
    const debounce = asked.debounce?.key ?? null;
    rows.set(id, { age: ids, job, life, failures: [], debounce, furtherKeys: [] });
    tell({ is: 'queued', agent, inMs: runAt - now });
    return { id, isNew: true };
  }

  function cancel(id: string, why: PlainFault): Job | undefined {
    const row = rows.get(id);
    const was = row && { ...row.job };
    if (!row || !was || !UNFINISHED.includes(was.state) || !step(row, { is: 'cancelled' })) return undefined;
    Object.assign(row.job, { error: why, cause: null, finishedAt: clock.now });
    tell({ is: 'cancelled', job: id, attempt: was.state === 'running' ? was.attempt : 0, why });
    return was;
  }

  /** How jobs of the agent have used a key. */
  function useOf(agent: string, limit: KeyLimit, key: string) {
    const isOfKey = ({ job }: Row) => job.agent === agent && limitKeyOf(limit, job.input) === key;
    const running = all().filter((row) => row.life.is === 'running' && isOfKey(row)).length;
    return { running, starts: starts.filter((one) => one.agent === agent && one.key === key).map(({ at }) => at) };
  }

  function claim({ agent, version, limit, staleAfterMs, keyLimit }: ClaimRequest, terms: ClaimTerms) {
    const now = clock.now;
    const least = terms.leastPriority ?? Number.NEGATIVE_INFINITY;
    const ready = () => all().filter((row) => row.job.agent === agent && isReady(row) && row.job.priority >= least);
    const order = (a: Row, b: Row) => b.job.priority - a.job.priority || a.job.runAt - b.job.runAt || a.age - b.age;
    const assignments = [];
    for (const row of ready().sort(order)) {
      const { job } = row;
      if (assignments.length === limit || job.runAt > now) continue;
      const until = job.staleAt ?? (job.attempt === 0 && staleAfterMs !== undefined ? job.runAt + staleAfterMs : null);
      if (until !== null && until < now) {
        cancel(job.id, { code: 'STALE', message: `it had not started by ${new Date(until).toISOString()}` });
        continue;
      }
      if (keyLimit) {
        const key = limitKeyOf(keyLimit, job.input);
        if (roomOfKey(keyLimit, useOf(agent, keyLimit, key), now) === 0) continue;
        if (keyLimit.rate) starts.push({ agent, job: job.id, key, at: now });
      }
      if (job.attempt === 0) aggregates.late(agent, now, now - job.runAt);
      step(row, { is: 'claimed', now, owner: terms.owner, leaseUntil: now + terms.leaseMs });
      Object.assign(job, { version, startedAt: now, finishedAt: null });
      const { id, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth } = job;
      assignments.push({ job: id, agent, attempt, attempts, trigger, slot, input, queuedAt, runAt, depth });
    }
    const left = ready().flatMap(({ job }) => {
      if (!keyLimit || job.runAt > now || (limit > 0 && assignments.length === limit)) return job.runAt;
      const use = useOf(agent, keyLimit, limitKeyOf(keyLimit, job.input));
      return nextStartOfKey(keyLimit, use, now) ?? (roomOfKey(keyLimit, use, now) > 0 ? job.runAt : []);
    });
    return { agent, assignments, nextInMs: left.length > 0 ? Math.min(...left) - now : null };
  }

  function settle(end: Settlement): boolean {
    const row = rows.get(end.job);
    const { attempt, state, startedAt, finishedAt, result = null, summary = null, error = null, cause = null } = end;
    const identity = [attempt, state, startedAt, finishedAt, result, summary, error];
    const again = end.inMs === undefined ? null : clock.now + end.inMs;
    const isFree = end.attempts !== undefined;
    const event: JobEvent =
      state === 'done' || state === 'cancelled' ? { is: state, attempt } : { is: 'failed', attempt, again, isFree };
    if (!step(row, event)) return row?.job.state === state && isDeepStrictEqual(row.end, identity);
    row!.end = identity;
    row!.endedAs = ++settled;
    Object.assign(row!.job, { startedAt, finishedAt, result, summary, error, cause });
    if (!isFree && state !== 'cancelled') {
      ends.push({ agent: row!.job.agent, state, at: finishedAt });
      aggregates.ended(row!.job.agent, state, startedAt, finishedAt);
    }
    if (!isFree && error !== null && state !== 'cancelled')
      row!.failures.push({ attempt, startedAt, finishedAt, worker: end.worker ?? null, fault: error });
    if (state === 'dead') {
      const { agent, trigger } = row!.job;
      const { code, message } = error ?? { code: 'UNKNOWN', message: 'it failed without saying why' };
      const data = { job: end.job, trigger, attempts: attempt, code, error: message, cause };
      const words = `${end.job} of ${agent} is a dead letter: ${message}`;
      const cameOf = [subject.attempt(end), subject.job(end.job)];
      append([
        { at: finishedAt, kind: 'job.dead', agent, message: words, data, about: [subject.job(end.job)], cameOf },
      ]);
    }
    if (state !== 'retrying') tell({ is: 'ended', job: end.job });
    return true;
  }

  function redrive(id: string): boolean {
    const row = rows.get(id);
    const holder = row && holderOf(row.job.agent, row.job.key);
    if (!row || (holder && holder !== row) || !step(row, { is: 'redriven', now: clock.now })) return false;
    const fresh = { startedAt: null, finishedAt: null, result: null, summary: null, error: null, cause: null };
    Object.assign(row.job, fresh, { staleAt: null });
    tell({ is: 'queued', agent: null, inMs: 0 });
    return true;
  }

  const matches = (filter: Partial<JobFilter> & Partial<JobSet>) => (row: Row) => {
    const { job, age } = row;
    const before = filter.before === undefined ? undefined : rows.get(filter.before);
    return (
      (filter.agent === undefined || job.agent === filter.agent) &&
      (filter.exceptPrefix === undefined || !job.agent.startsWith(filter.exceptPrefix)) &&
      (filter.states === undefined || filter.states.includes(job.state)) &&
      (filter.cause === undefined || job.cause === filter.cause) &&
      (filter.slot === undefined || job.slot === filter.slot) &&
      (filter.text === undefined || hasText(job, filter.text)) &&
      (!filter.ofDeliveries || job.trigger === 'webhook') &&
      (filter.since === undefined || job.queuedAt >= filter.since) &&
      (before === undefined || age < before.age)
    );
  };
  const hasText = ({ error, input }: Job, text: string) =>
    `${error ? JSON.stringify(error) : ''}\n${input ?? ''}`.toLowerCase().includes(text.toLowerCase());
  const newest = (filter: Partial<JobFilter>) =>
    all()
      .filter(matches(filter))
      .sort((a, b) => b.age - a.age)
      .map(({ job }) => ({ ...job }));

  function deadByCause() {
    const groups = Map.groupBy(newest({ states: ['dead'] }), ({ cause, agent }) =>
      JSON.stringify([cause ?? '', agent]),
    );
    return [...groups]
      .map(([name, jobs]) => {
        const [cause, agent] = JSON.parse(name) as [string, string];
        const times = jobs.map(({ finishedAt }) => finishedAt!);
        const [firstAt, lastAt] = [Math.min(...times), Math.max(...times)];
        return { cause, agent, count: jobs.length, firstAt, lastAt, example: jobs[0]! };
      })
      .sort((a, b) => b.count - a.count || b.lastAt - a.lastAt);
  }

  function waiting(least = Number.NEGATIVE_INFINITY) {
    const ready = all().filter((row) => isReady(row) && row.job.priority >= least);
    const byAgent = Map.groupBy(ready, ({ job }) => job.agent);
    return [...byAgent].map(([agent, of]) => ({
      agent,
      inMs: Math.min(...of.map(({ job }) => job.runAt)) - clock.now,
    }));
  }

  function overview() {
    return [...new Set(all().map(({ job }) => job.agent))].sort().map((agent) => {
      const of = newest({ agent });
      const count = (state: JobState) => of.filter((job) => job.state === state).length;
      const over = of.filter(({ state }) => state === 'done' || state === 'dead');
      const ended = over.sort((a, b) => (rows.get(b.id)!.endedAs ?? 0) - (rows.get(a.id)!.endedAs ?? 0))[0] ?? null;
      const counts = { queued: count('queued'), running: count('running'), retrying: count('retrying') };
      return { agent, ...counts, dead: count('dead'), newest: of[0] ?? null, ended };
    });
  }

  function runs(agents: string[], limit: number) {
    return agents.flatMap((agent) =>
      newest({ agent, states: ['done', 'dead'] })
        .slice(0, limit)
        .map(({ id, state, attempt, startedAt, finishedAt }) => ({ id, agent, state, attempt, startedAt, finishedAt })),
    );
  }

  function hourFigures(from: number, to: number) {
    const groups = Map.groupBy(ends, ({ agent, at }) => JSON.stringify([hourOf(at), agent]));
    const figures = [...groups].map(([name, of]) => {
      const [hour, agent] = JSON.parse(name) as [number, string];
      const count = (state: JobState) => of.filter((end) => end.state === state).length;
      return { agent, hour, done: count('done'), dead: count('dead'), failedAttempts: of.length - count('done') };
    });
    return figures.filter(({ hour }) => hour >= from && hour < to);
  }

  function ancestors(id: string): Job[] {
    const line: Job[] = [];
    let at = rows.get(id)?.job;
    for (; at && line.length < 100; at = at.parent === null ? undefined : rows.get(at.parent)?.job) line.push(at);
    return line;
  }

  const calls: Calls = {
    add: (jobs: NewJob[]) => jobs.map(add),
    claim: (requests: ClaimRequest[], terms: ClaimTerms) => requests.map((request) => claim(request, terms)),
    settle: (settlements: Settlement[]) => settlements.map(settle),
    release(refs: Parameters<JobQueue['release']>[0]) {
      for (const { job, attempt } of refs) {
        const row = rows.get(job);
        if (!step(row, { is: 'released', attempt })) continue;
        const start = starts.findLastIndex((one) => one.job === job);
        if (start >= 0) starts.splice(start, 1);
        Object.assign(row!.job, { startedAt: null, ...(attempt === 1 ? { version: null } : {}) });
      }
    },
    renew: (refs: Parameters<JobQueue['renew']>[0], leaseMs: number) =>
      refs.filter(
        ({ job, attempt }) => !step(rows.get(job), { is: 'renewed', attempt, leaseUntil: clock.now + leaseMs }),
      ),
    abandoned: (owner: Parameters<JobQueue['abandoned']>[0]) =>
      all()
        .filter(({ life }) => {
          const lost = { is: 'lost' as const, attempt: life.attempt, owner, now: clock.now, again: clock.now };
          return stepJob(life, lost) !== 'refused';
        })
        .map(({ job }) => ({ ...job })),
    cancel,
    cancelMany: (ids: string[], why: PlainFault) =>
      ids.flatMap((id) => {
        const was = cancel(id, why);
        return was ? [{ id, state: was.state, attempt: was.attempt }] : [];
      }),
    promote: (ids: string[]) => ids.filter((id) => step(rows.get(id), { is: 'promoted', now: clock.now })),
    redrive: (ids: string[]) => ids.filter(redrive),
    drop: (ids: string[], why: PlainFault) =>
      ids.filter((id) => {
        const row = rows.get(id);
        if (!step(row, { is: 'dropped' })) return false;
        Object.assign(row!.job, { error: why, cause: null });
        return true;
      }),
    get(id: string) {
      const row = rows.get(id);
      return row && { ...row.job, failures: [...row.failures] };
    },
    list: (filter: JobFilter) => newest(filter).slice(0, filter.limit),
    ids: (set: JobSet) => newest(set).map(({ id }) => id),
    count(set: JobSet) {
      const found = newest(set);
      const counts = set.states.map((state) => ({ state, count: found.filter((job) => job.state === state).length }));
      return counts.filter(({ count }) => count > 0);
    },
    ancestors: (id: string) => ancestors(id).map(({ id, agent, depth }) => ({ id, agent, depth })),
    backlog() {
      const due = all().filter((row) => isReady(row) && row.job.runAt <= clock.now);
      return [...Map.groupBy(due, ({ job }) => job.agent)].map(([agent, of]) => {
        return { agent, count: of.length, dueSince: Math.min(...of.map(({ job }) => job.runAt)) };
      });
    },
    waiting,
    waitFacts: (asked: { job: string; limit?: KeyLimit }[]) =>
      asked.flatMap(({ job, limit }) => {
        const row = rows.get(job);
        if (!row) return [];
        const isDebounced = row.debounce !== null && row.job.attempt === 0;
        return { job, isDebounced, use: limit ? useOf(row.job.agent, limit, limitKeyOf(limit, row.job.input)) : null };
      }),
    deadByCause,
    overview,
    runs,
    hourFigures,
    ...aggregates.calls,
  };

  return {
    calls,
    pruneCounts: aggregates.prune,
    add,
    all,
    ancestors,
    /** Whether the attempt holds its job. */
    isHeld({ job, attempt }: AttemptRef) {
      const life = rows.get(job)?.life;
      return life?.is === 'running' && life.attempt === attempt;
    },
    idsOf: (agent: string) => [...rows.values()].filter(({ job }) => job.agent === agent).map(({ job }) => job.id),
    /** Forgets jobs, and the figures of hours before a time. */
    forget(gone: readonly Row[], before: number) {
      for (const { job } of gone) rows.delete(job.id);
      ends.splice(0, ends.length, ...ends.filter(({ at }) => hourOf(at) >= before));
    },
  };
}

export function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}
