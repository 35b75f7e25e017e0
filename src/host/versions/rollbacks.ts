import type { Catalog } from '../../catalog/ports.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import { given } from '../../kernel/given.ts';
import type { Log } from '../../kernel/log.ts';
import { shortId } from '../../kernel/short-id.ts';
import type { Time } from '../../kernel/time.ts';
import type { Store } from '../../store/ports.ts';
import type { Events } from '../../telemetry/events.ts';
import type { HostBus } from '../bus.ts';
import { createProbation, type Probation } from './probation.ts';
import type { RollbackReport } from './rollback-checks.ts';

interface RollbackNeeds {
  time: Time;
  log: Log;
  events: Events;
  healer: Healer;
  catalog: Catalog;
  store: Store;
  jobs: Jobs;
  bus: Pick<HostBus, 'emit'>;
}

/** Probation, wired to the rooms: a rollback is one incident of healing, and each change of a rollout an event. */
export function createRollbacks({ events, healer, bus, ...needs }: RollbackNeeds): Probation {
  return createProbation({
    ...needs,
    placementChanged: () => bus.emit('placement.changed', []),
    rolledBack(rollback) {
      const { agent, bad, good, rejection, runs } = rollback;
      const message = `${agent}: ${nameOf(rollback)} ${rejection.why}`;
      const back = `rolled back to ${shortId(good.version.id)}`;
      const force = `daruma rollback ${agent} ${shortId(bad.version.id)} --force`;
      healer.report(incidentSignal(rollback), `${back}; to force it: ${force}`);
      events.record('warn', {
        kind: 'version.rolled-back',
        agent,
        message: `${message}; ${back}`,
        data: { bad: bad.version.id, good: good.version.id, reason: rejection.kind, runs: seen(runs), force },
      });
    },
    waived(rollback) {
      const { agent, bad, good, rejection } = rollback;
      const message = `${agent}: ${shortId(good.version.id)} does the same as ${nameOf(rollback)}, so the version is not the reason: it is tried again, and its failures do not count`;
      healer.report({ ...incidentSignal(rollback), seen: message }, null);
      events.record('warn', {
        kind: 'version.waived',
        agent,
        message,
        data: { version: bad.version.id, cause: rejection.cause },
      });
    },
    approved({ name, version }, why) {
      const message = `version ${shortId(version.id)} of ${name} is good: ${why}`;
      events.record('info', { kind: 'version.good', agent: name, message, data: { version: version.id } });
    },
  });
}

function incidentSignal(rollback: RollbackReport) {
  const { agent, bad, rejection, runs, end } = rollback;
  const { code, file, line } = runs.fault ?? { code: rejection.kind };
  const seen = `${nameOf(rollback)} ${rejection.why}`;
  return {
    agent,
    verdict: 'bad-version' as const,
    because: {
      code: 'BAD_VERSION',
      message: seen,
      ...given({ file, line }),
      data: { code, cause: rejection.cause },
    },
    seen,
    version: bad.version.id,
    ...(end ? { worker: end.worker, evidence: end.evidence } : {}),
  };
}

function nameOf({ bad, good }: RollbackReport): string {
  const id = shortId(bad.version.id);
  return bad.version.id === good.version.id ? `version ${id} with its newest settings` : `version ${id}`;
}

function seen({ done, failed, severe, memoryBytes }: RollbackReport['runs']) {
  return { done, failed, severe, memoryBytes };
}
