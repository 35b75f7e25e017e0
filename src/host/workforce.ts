import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Time } from '../kernel/time.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Workers, WorkersNeeds, WorkersOptions } from '../workers/ports.ts';
import { createWorkers } from '../workers/workers.ts';
import type { HostBus } from './bus.ts';
import type { Secrets } from './secrets/secrets.ts';

interface WorkforceNeeds {
  time: Time;
  journal: Journal;
  exec: Pick<Exec, 'children'>;
  secrets: Pick<Secrets, 'values'>;
  answer: WorkersNeeds['answer'];
  bus: Pick<HostBus, 'emit'>;
}

/** The workers of a host: whatever they find out is a fact on the bus. */
export function createWorkforce(needs: WorkforceNeeds, options: Omit<WorkersOptions, 'emptyFolder'>): Workers {
  const { time, journal, exec, bus, answer } = needs;
  const emptyFolder = join(options.folder, 'data/run/empty');
  rmSync(emptyFolder, { recursive: true, force: true });
  mkdirSync(emptyFolder, { recursive: true });
  return createWorkers(
    {
      time,
      log: journal.room('workers'),
      events: {
        ended: (outcomes) => bus.emit('attempts.ended', outcomes),
        returned: (attempts) => bus.emit('attempts.returned', attempts),
        capacityChanged: (agent) => bus.emit('capacity.changed', agent),
      },
      answer,
      secrets: async (agent) => needs.secrets.values(agent),
      lines: (lines) => journal.lines(lines),
      gone: (end) => bus.emit('worker.gone', end),
      leftOver: (found) => bus.emit('job.left-over', found),
      readings: (list) => bus.emit('reading', list),
      children: exec.children,
      apart: () => bus.emit('placement.changed', []),
      cellReplaced: (cell) => bus.emit('cell.replaced', cell),
    },
    { ...options, emptyFolder },
  );
}
