import type { Catalog, FileReport } from '../../catalog/ports.ts';
import type { LogLine, StatusView } from '../../control/protocol.ts';
import type { ScheduleSpec } from '../../jobs/agent.ts';
import { timetableOf } from '../../kernel/cron/timetable.ts';
import type { PlainFault } from '../../kernel/fault.ts';
import { isoOf, isoOrNull } from '../../kernel/instant.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import type { Time } from '../../kernel/time.ts';
import type { ChangeView } from '../../operations/results/version.ts';
import { configProblems, zoneWarning } from '../config/read.ts';
import { createDoctor } from '../doctor/doctor.ts';
import { createHealth } from '../health/health.ts';
import { createMetrics } from '../health/metrics.ts';
import type { HostContext } from '../host-context.ts';
import { reportLookup } from '../report/report.ts';
import { viewSecrets } from '../secrets/secrets.ts';
import type { OpTable } from './handlers.ts';
import { createHoldUps } from './hold-ups.ts';
import { listingOf } from './known.ts';
import { logLookup } from './log-lines.ts';
import { createLookups, nextLookup } from './lookups.ts';
import { viewConfig } from './status.ts';

type Reading = Pick<
  OpTable,
  | 'ping'
  | 'health'
  | 'doctor'
  | 'metrics'
  | 'status'
  | 'jobs'
  | 'runs'
  | 'events'
  | 'logs'
  | 'logFiles'
  | 'job'
  | 'holdUps'
  | 'why'
  | 'next'
  | 'slots'
  | 'trends'
  | 'hostLoad'
  | 'series'
  | 'report'
  | 'warnings'
  | 'bills'
  | 'dlq'
  | 'incidents'
  | 'incident'
  | 'batchPlan'
  | 'batches'
  | 'batch'
  | 'batchItems'
  | 'check'
  | 'secrets'
  | 'configShow'
  | 'follow'
  | 'changes'
>;

/** The operations that change nothing. */
export function readingOps(hostContext: HostContext, status: (agent?: string) => Promise<StatusView>): Reading {
  const { catalog, guests, jobs, facts, journal } = hostContext;
  const health = createHealth(hostContext);
  const holdUpsOf = createHoldUps(hostContext);
  const lookups = createLookups({
    ...hostContext,
    timezone: () => hostContext.settings.timezone,
    holdUpsOf,
  });
  return {
    ...lookups,
    ...nextLookup(hostContext),
    ...reportLookup({
      ...hostContext,
      timezone: () => hostContext.settings.timezone,
      listings: () => catalog.listings(),
      agents: () => catalog.agents(),
      states: hostContext.states.all,
    }),
    ...logLookup(() => facts.logFolder),
    changes: changesOp(hostContext),
    ping: async () => ({
      pid: facts.pid,
      version: facts.version,
      startedAt: isoOf(facts.startedAt),
      folder: facts.folder,
      folderId: facts.folderId ?? null,
    }),
    health,
    doctor: createDoctor(hostContext),
    metrics: createMetrics(hostContext, health),
    status: ({ agent }) => status(agent),

    async job({ id, wait }, { gone }) {
      if (wait) await jobs.finished(id, gone);
      return lookups.job({ id });
    },

    async holdUps({ jobs: ids }) {
      const found = await Promise.all(ids.map((id) => hostContext.store.get(id)));
      const waiting = found.filter((job) => job !== undefined);
      const holdUps = await holdUpsOf(waiting);
      return waiting.flatMap(({ id: job }, at) => (holdUps[at] ? [{ job, holdUp: holdUps[at] }] : []));
    },

    async secrets() {
      const { secrets } = hostContext.setup;
      secrets.refresh();
      return viewSecrets(secrets.list(), secrets.envFile());
    },

    async check() {
      await catalog.rescan();
      hostContext.setup.secrets.refresh();
      const unscheduled = (await hostContext.states.unscheduled()).map(unscheduledProblem);
      const left = await hostContext.states.left();
      const problems = [
        ...configProblems(facts.folder),
        ...zoneWarning(hostContext.config.origins()),
        ...unscheduled,
        ...hostContext.setup.problems(hostContext.placements),
        ...left.problems,
        ...catalog.problems(),
      ];
      return {
        agents: [...catalog.agents().keys()].sort(),
        problems,
        notes: [...catalog.notes(), ...hostContext.setup.notes(), ...left.notes],
      };
    },

    async configShow({ agent }) {
      if (agent === undefined) return { values: hostContext.config.origins(), config: viewConfig(hostContext) };
      listingOf(catalog, agent);
      return { values: catalog.origins(agent) ?? [] };
    },

    follow({ agent, job, level }, { item, gone }) {
      const least = LOG_LEVELS.indexOf(level);
      if (agent !== undefined && !guests.agents().has(agent)) listingOf(catalog, agent);
      return new Promise((resolve) => {
        const end = journal.follow((line) => {
          if (agent !== undefined && line.agent !== agent) return;
          if (job !== undefined && line.job !== job) return;
          if (LOG_LEVELS.indexOf(line.level as LogLevel) < least) return;
          item(line as LogLine);
        });
        gone.addEventListener('abort', () => {
          end();
          resolve(null);
        });
      });
    },
  };
}

function unscheduledProblem({ agent, fault }: { agent: string; fault: PlainFault }): PlainFault {
  const message = `${agent} has a schedule and no next run: ${fault.message}`;
  return { code: 'UNSCHEDULED', message, next: fault.next ?? `daruma logs ${agent} --level error` };
}

/** The operation that streams the result of each changed file. */
export function changesOp({
  catalog,
  time,
}: {
  catalog: Pick<Catalog, 'agents' | 'onFileReport'>;
  time: Time;
}): OpTable['changes'] {
  function view(report: FileReport): ChangeView {
    const now = time.now();
    // Slots of a new schedule are not planned yet: their times are computed.
    const due = report.agents.flatMap((name) => {
      const schedule = catalog.agents().get(name)?.schedule;
      return schedule ? (nextOf(schedule, now) ?? []) : [];
    });
    return { ...report, at: isoOf(now), nextSlot: isoOrNull(due.length > 0 ? Math.min(...due) : null) };
  }

  return (_args, { item, gone }) =>
    new Promise<null>((resolve) => {
      const end = catalog.onFileReport((report) => item(view(report)));
      gone.addEventListener('abort', () => {
        end();
        resolve(null);
      });
    });
}

/** A schedule that cannot be kept has no next time: status and incidents say why. */
function nextOf(schedule: ScheduleSpec, now: number): number | undefined {
  try {
    return timetableOf(schedule).next(now);
  } catch {
    return undefined;
  }
}
