import type { HealingChange } from '../healing/ports.ts';
import { whyOfAct } from '../jobs/batch.ts';
import type { NewJob } from '../jobs/model.ts';
import type { JobChange } from '../jobs/ports.ts';
import type { StorePorts } from './ports.ts';

/** Changes of one kind, for those who listen in this process. */
interface Feed<Change> {
  changes(call: (change: Change) => void): () => void;
  publish(change: Change): void;
}

export function createFeed<Change>(): Feed<Change> {
  const calls = new Set<(change: Change) => void>();
  return {
    changes(call) {
      // A function that listens twice is two listeners.
      const own = (change: Change) => call(change);
      calls.add(own);
      return () => void calls.delete(own);
    },
    publish(change) {
      for (const call of calls) call(change);
    },
  };
}

/** The calls, with their changes published as soon as they are on disk and before the answer. `now`: the wall clock. */
export function withFeeds(
  calls: Omit<StorePorts, 'changes' | 'pauseChanges' | 'healingChanges'>,
  feed: Feed<JobChange>,
  now: () => number,
): StorePorts {
  const pauses = createFeed<void>();
  const healing = createFeed<HealingChange>();
  function publishQueued(jobs: readonly NewJob[]): void {
    for (const { agent, inMs = 0, runAt } of jobs)
      feed.publish({ is: 'queued', agent, inMs: runAt === undefined ? inMs : runAt - now() });
  }
  const publishMoved = <T>(moved: T[]): T[] => {
    if (moved.length > 0) feed.publish({ is: 'queued', agent: null, inMs: 0 });
    return moved;
  };

  return {
    ...calls,
    changes: feed.changes,
    pauseChanges: pauses.changes,
    healingChanges: healing.changes,
    // A job passes these two calls: `then` costs half of what an async function does.
    add: (jobs) =>
      calls.add(jobs).then((added) => {
        publishQueued(added.every(({ isNew }) => isNew) ? jobs : jobs.filter((_, i) => added[i]!.isNew));
        return added;
      }),
    settle: (settlements) =>
      calls.settle(settlements).then((kept) => {
        let i = 0;
        for (const { job, state } of settlements)
          if (kept[i++] && state !== 'retrying') feed.publish({ is: 'ended', job });
        return kept;
      }),
    async cancel(job, why) {
      const was = await calls.cancel(job, why);
      if (was) feed.publish({ is: 'cancelled', job, attempt: was.state === 'running' ? was.attempt : 0, why });
      return was;
    },
    async cancelMany(ids, why) {
      const done = await calls.cancelMany(ids, why);
      for (const { id, state, attempt } of done)
        feed.publish({ is: 'cancelled', job: id, attempt: state === 'running' ? attempt : 0, why });
      return done;
    },
    async stepBatch(id, terms) {
      const step = await calls.stepBatch(id, terms);
      for (const agent of step.queued) feed.publish({ is: 'queued', agent, inMs: 0 });
      for (const { job, state, attempt } of step.cancelled)
        feed.publish({
          is: 'cancelled',
          job,
          attempt: state === 'running' ? attempt : 0,
          why: whyOfAct('cancel', null),
        });
      return step;
    },
    promote: async (ids) => publishMoved(await calls.promote(ids)),
    redrive: async (ids) => publishMoved(await calls.redrive(ids)),
    async decide(decisions) {
      const made = await calls.decide(decisions);
      publishQueued(decisions.flatMap(({ job }, i) => (job && typeof made[i] === 'string' ? [job] : [])));
      return made;
    },
    async pause(agent, forMs, who) {
      const pause = await calls.pause(agent, forMs, who);
      pauses.publish();
      return pause;
    },
    async openIncident(incident, terms, reports) {
      const opened = await calls.openIncident(incident, terms, reports);
      if (opened.isNew) healing.publish({ is: 'incident', by: terms.owner.host });
      return opened;
    },
    async updateIncident(incident, by, reports) {
      await calls.updateIncident(incident, by, reports);
      healing.publish({ is: 'incident', by: by?.host ?? null });
    },
    async putQuarantine(record, by) {
      await calls.putQuarantine(record, by);
      healing.publish({ is: 'quarantine', by: by.host });
    },
    async endQuarantine(agent, by, end) {
      await calls.endQuarantine(agent, by, end);
      healing.publish({ is: 'quarantine', by: by.host });
    },
    async muteCause(fingerprint, forMs) {
      const until = await calls.muteCause(fingerprint, forMs);
      healing.publish({ is: 'mute', by: null });
      return until;
    },
    async deliverEvents(listeners, bounds) {
      const deliveries = await calls.deliverEvents(listeners, bounds);
      for (const { agent, jobs } of deliveries) if (jobs > 0) feed.publish({ is: 'queued', agent, inMs: 0 });
      return deliveries;
    },
    async resume(agent, until, who) {
      const endedAt = await calls.resume(agent, until, who);
      pauses.publish();
      return endedAt;
    },
  };
}
