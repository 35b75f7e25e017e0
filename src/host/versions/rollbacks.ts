import type { Catalog, RolledBack, Rollouts } from '../../catalog/ports.ts';
import type { Healer } from '../../healing/healer.ts';
import type { Jobs } from '../../jobs/jobs.ts';
import { given } from '../../kernel/given.ts';
import type { Log } from '../../kernel/log.ts';
import { shortId } from '../../kernel/short-id.ts';
import { subject } from '../../kernel/subjects.ts';
import type { Time } from '../../kernel/time.ts';
import type { Store } from '../../store/ports.ts';
import type { Events } from '../../telemetry/events.ts';
import type { EventStore } from '../../telemetry/ports.ts';
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
      const { kind, message, data, who, about } = rolledBackEvent({
        ...{ agent, bad: bad.version.id, good: good.version.id },
        ...rejection,
      });
      healer.report(
        incidentSignal(rollback),
        `rolled back to ${shortId(good.version.id)}; to force it: ${data.force}`,
        { level: 'warn', kind, message, data: { ...data, runs: seen(runs) }, who, about },
      );
    },
    waived(rollback) {
      const { agent, bad, good, rejection } = rollback;
      const message = `${agent}: ${shortId(good.version.id)} does the same as ${nameOf(idsOf(rollback))}, so the version is not the reason: it is tried again, and its failures do not count`;
      healer.report({ ...incidentSignal(rollback), seen: message }, null);
      events.record('warn', {
        kind: 'version.waived',
        agent,
        message,
        data: { version: bad.version.id, cause: rejection.cause },
        who: 'rollout',
        about: [subject.version(agent, bad.version.id), subject.agent(agent)],
        cameOf: [subject.version(agent, good.version.id)],
      });
    },
    approved({ name, version }, why) {
      const message = `version ${shortId(version.id)} of ${name} is good: ${why}`;
      const cameOf = [subject.version(name, version.id)];
      events.record('info', {
        ...{ kind: 'version.good', agent: name, message, data: { version: version.id } },
        ...{ who: 'rollout', about: cameOf, cameOf },
      });
    },
  });
}

const ROLLED_BACK_EVENT = 'version.rolled-back';

function rolledBackEvent({ agent, bad, good, kind, why }: Omit<RolledBack, 'at'>) {
  const message = `${agent}: ${nameOf({ bad, good })} ${why}; rolled back to ${shortId(good)}`;
  const force = `daruma rollback ${agent} ${shortId(bad)} --force`;
  return {
    ...{ kind: ROLLED_BACK_EVENT, agent, message, data: { bad, good, reason: kind, force }, who: 'rollout' },
    about: [subject.version(agent, good), subject.agent(agent)],
    cameOf: [subject.version(agent, bad)],
  };
}

/**
 * Records rollbacks of the last host that no event tells of: a host that is killed between the two has written the rollback alone. Call
 * it before this host records its own start. Resolves when the events are on disk or given up.
 */
export async function recordMissedRollbacks({
  store,
  events,
  rollouts,
}: {
  store: Pick<EventStore, 'events'>;
  events: Pick<Events, 'record' | 'settled'>;
  rollouts: Pick<Rollouts, 'rolledBack'>;
}): Promise<void> {
  const found = rollouts.rolledBack().filter(({ kind }) => kind !== 'by-hand');
  if (found.length === 0) return;
  const [lastStart] = await store.events({ kind: 'host.started', limit: 1 });
  for (const one of found) {
    // Rollbacks before the last start were recorded by a host that lived on; its event may have been cleared up since.
    if (!lastStart || one.at < lastStart.at) continue;
    const recorded = await store.events({ kind: ROLLED_BACK_EVENT, agent: one.agent, since: one.at, limit: 1 });
    if (recorded.length === 0) events.record('warn', rolledBackEvent(one));
  }
  await events.settled();
}

function incidentSignal(rollback: RollbackReport) {
  const { agent, bad, rejection, runs, end } = rollback;
  const { code, file, line } = runs.fault ?? { code: rejection.kind };
  const seen = `${nameOf(idsOf(rollback))} ${rejection.why}`;
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

/** By the ids of the versions. */
function nameOf({ bad, good }: Pick<RolledBack, 'bad' | 'good'>): string {
  const id = shortId(bad);
  return bad === good ? `version ${id} with its newest settings` : `version ${id}`;
}

const idsOf = ({ bad, good }: RollbackReport) => ({ bad: bad.version.id, good: good.version.id });

function seen({ done, failed, severe, memoryBytes }: RollbackReport['runs']) {
  return { done, failed, severe, memoryBytes };
}
