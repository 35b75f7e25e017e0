import type { Exec } from '../gateway/exec/ports.ts';
import type { Healer } from '../healing/healer.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { WorkerEvents } from '../jobs/ports.ts';
import type { Time } from '../kernel/time.ts';
import type { Events } from '../telemetry/events.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Workers, WorkersNeeds, WorkersOptions } from '../workers/ports.ts';
import { createWorkers } from '../workers/workers.ts';
import { tellCellReplaced, tellGone } from './healing.ts';
import type { Probation } from './probation.ts';
import { findSecrets } from './secrets.ts';

export interface WorkforceNeeds {
  time: Time;
  journal: Journal;
  events: Events;
  exec: Exec;
  healer: Healer;
  probation: Probation;
  jobs(): Jobs;
  answer: WorkersNeeds['answer'];
}

/** The workers, wired to the rooms: their ends go to jobs, probation and healing, what they read to both judges. */
export function createWorkforce(needs: WorkforceNeeds, options: WorkersOptions): Workers {
  const { time, journal, events, exec, healer, probation } = needs;
  const wire: WorkerEvents = {
    ended(outcomes) {
      exec.ended(outcomes.map(({ outcome }) => outcome));
      needs.jobs().ended(outcomes);
    },
    returned: (attempts) => needs.jobs().returned(attempts),
    roomy: (agent) => needs.jobs().roomy(agent),
  };
  return createWorkers(
    {
      time,
      log: journal.room('workers'),
      events: wire,
      answer: needs.answer,
      secrets: async (agent) => findSecrets(agent.name, agent.needs.secrets),
      lines: (lines) => journal.lines(lines),
      // What a rollback answers is no second incident.
      gone: tellGone(events, { gone: (end) => void (probation.gone(end) || healer.gone(end)) }),
      readings(list) {
        healer.readings(list);
        probation.readings(list);
      },
      children: exec.children,
      cellReplaced: (cell) => tellCellReplaced(events, cell),
    },
    options,
  );
}
