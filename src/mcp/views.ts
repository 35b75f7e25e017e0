/** Rows of tools, out of the answers of operations: fewer fields than the command line prints, since a model pays for each. */
import type { AgentView, IncidentView, JobView, LogLine, StatusView } from '../control/protocol.ts';
import type { PlainFault } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';

/** A row of the fleet. */
export function agentRow(agent: AgentView): Record<string, unknown> {
  const { name, plugin, version, rollout, state, why, schedule, nextSlot, queued, dead, lastJob } = agent;
  return {
    ...{
      name,
      plugin,
      version: version?.slice(0, 12) ?? null,
      rollout: rollout ?? null,
      state,
      why,
      schedule,
      nextSlot,
    },
    ...{ queued, dead },
    lastJob: lastJob && { id: lastJob.id, state: lastJob.state, finishedAt: lastJob.finishedAt },
    ...(agent.problem ? { problem: problemRow(agent.problem) } : {}),
  };
}

/** An agent in full, but its lists. */
export function agentInFull(agent: AgentView): Record<string, unknown> {
  const { about, timezone, range, input, p95Ms, memory, workers, waiting, hours } = agent;
  const sum = (of: 'done' | 'dead') => hours.reduce((total, hour) => total + hour[of], 0);
  return {
    ...agentRow(agent),
    ...{ about, timezone, ...given({ range, waiting }), p95Ms, memory, workers },
    last24h: { done: sum('done'), dead: sum('dead') },
    input: input && { schema: input.schema, takesNothing: input.takesNothing },
    ...(agent.lastJob?.error ? { lastError: faultRow(agent.lastJob.error) } : {}),
  };
}

/** The host, in short; null: no host answers. */
export function hostRow({ host }: StatusView): Record<string, unknown> | null {
  if (!host) return null;
  const { version, startedAt, safeMode, memoryBytes, loopLagMs, workers, queued } = host;
  return { version, startedAt, safeMode, memoryBytes, loopLagMs, workers, queued };
}

/** A fault as a model needs it: without its stack, with the lines of code around its place. */
export function faultRow({ code, message, next, file, line, column, frame }: PlainFault): Record<string, unknown> {
  return { code, message, ...given({ file, line, column, next, frame }) };
}

/** A problem of a file. */
export function problemRow({ code, message, next, file, line }: PlainFault): Record<string, unknown> {
  return { code, message, ...given({ file, line, next }) };
}

/** An incident in a list. */
export function incidentRow(incident: IncidentView): Record<string, unknown> {
  const { id, agent, verdict, state, openedAt, healedAt, endedAt, seen, version, jobs, remedies, repeats } = incident;
  return {
    ...{
      id,
      agent,
      verdict,
      state,
      openedAt,
      healedAt,
      endedAt,
      seen,
      version: version?.slice(0, 12) ?? null,
      repeats,
    },
    jobs: jobs.slice(0, 10),
    remedies: remedies.map(({ kind, at, outcome }) => ({ kind, at, outcome })),
  };
}

/** An incident with its timeline. */
export function incidentInFull(incident: IncidentView): Record<string, unknown> {
  const { remedies, timeline, evidence, fingerprint, note } = incident;
  return { ...incidentRow(incident), fingerprint, note, remedies, timeline, found: evidence };
}

/** A job in a list. */
export function jobRow(job: JobView): Record<string, unknown> {
  const { id, agent, version, state, trigger, attempt, attempts, slot, queuedAt, startedAt, finishedAt } = job;
  return {
    ...{ id, agent, version: version?.slice(0, 12) ?? null, state, trigger, attempt, attempts, slot },
    ...{ queuedAt, startedAt, finishedAt, durationMs: job.durationMs, cause: job.cause },
    ...(job.error ? { error: problemRow(job.error) } : {}),
    ...(job.holdUp ? { holdUp: job.holdUp } : {}),
  };
}

/** A job with its input, its result and its failed attempts. */
export function jobInFull(job: JobView): Record<string, unknown> {
  const { input, result, summary, key, priority, runAt, madeBy, hops, waits, waitsFor, error, failures } = job;
  return {
    ...jobRow(job),
    ...{ input, result, summary, key, priority, runAt, ...given({ madeBy, hops, waits, waitsFor }) },
    ...(error ? { error: faultRow(error) } : {}),
    failures: (failures ?? []).map((failure) => ({
      ...{ attempt: failure.attempt, startedAt: failure.startedAt, finishedAt: failure.finishedAt },
      error: faultRow(failure.error),
    })),
  };
}

/** A line of the log: all that was logged beside its message is one JSON text. */
export function logRow({ time, level, msg, agent, job, worker, place, ...fields }: LogLine): Record<string, unknown> {
  const beside = Object.keys(fields).length > 0 ? { fields } : {};
  return { time, level, ...given({ agent, job, worker, place }), message: msg, ...beside };
}
