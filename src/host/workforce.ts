import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Healer } from '../healing/healer.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { WorkerEvents } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Workers, WorkersNeeds, WorkersOptions } from '../workers/ports.ts';
import { createWorkers } from '../workers/workers.ts';
import { recordCellReplaced, recordLeftOver, recordWorkerEnd } from './healing.ts';
import type { Outbound } from './outbound.ts';
import type { Secrets } from './secrets/secrets.ts';
import type { Probation } from './versions/probation.ts';

export interface WorkforceNeeds {
  time: Time;
  journal: Journal;
  events: Events;
  exec: Exec;
  outbound: Pick<Outbound, 'ended'>;
  healer: Healer;
  probation: Probation;
  secrets: Pick<Secrets, 'values'>;
  jobs(): Jobs;
  answers(): WorkersNeeds['answer'];
  /** An agent is to have a cell of its own from now on. */
  apart(agent: string): void;
}

/** The workers, wired to the rooms: their ends go to jobs, probation and healing, what they read to both judges. */
export function createWorkforce(needs: WorkforceNeeds, options: Omit<WorkersOptions, 'emptyFolder'>): Workers {
  const { time, journal, events, exec, outbound, healer, probation } = needs;
  const emptyFolder = join(options.folder, 'data/run/empty');
  rmSync(emptyFolder, { recursive: true, force: true });
  mkdirSync(emptyFolder, { recursive: true });
  const wire: WorkerEvents = {
    ended(outcomes) {
      const attempts = outcomes.map(({ outcome }) => outcome);
      exec.ended(attempts);
      needs.jobs().ended(outcomes);
      // Only after jobs has asked what they waited for.
      outbound.ended(attempts);
    },
    returned: (attempts) => needs.jobs().returned(attempts),
    capacityChanged: (agent) => needs.jobs().capacityChanged(agent),
  };
  return createWorkers(
    {
      time,
      log: journal.room('workers'),
      events: wire,
      answer: (call, by) => needs.answers()(call, by),
      secrets: async (agent) => needs.secrets.values(agent),
      lines: (lines) => journal.lines(lines),
      gone(end) {
        recordWorkerEnd(events, end);
        // Before healing: the report of a rollback names the worker, whose end is then no second incident.
        probation.gone(end);
        healer.gone(end);
      },
      leftOver: (found) => recordLeftOver(healer, found),
      readings(list) {
        healer.readings(list);
        probation.readings(list);
      },
      children: exec.children,
      apart: needs.apart,
      cellReplaced: (cell) => recordCellReplaced(events, cell),
    },
    { ...options, emptyFolder },
  );
}
