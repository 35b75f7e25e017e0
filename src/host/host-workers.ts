import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { HostSettings } from '../catalog/files/host-settings-table.ts';
import type { Exec } from '../gateway/exec/ports.ts';
import type { Outcome } from '../jobs/model.ts';
import { openMemoryKills } from '../kernel/cgroup.ts';
import { createOwnSeries, type Measures } from '../kernel/own-series.ts';
import type { Time } from '../kernel/time.ts';
import type { Journal } from '../telemetry/journal.ts';
import type { Meter } from '../telemetry/meter/meter.ts';
import { OWN_PREFIX } from '../telemetry/meter/series-table.ts';
import { mergeMeasures } from '../workers/measures.ts';
import { mostWorkers } from '../workers/most-workers.ts';
import type { Workers, WorkersNeeds } from '../workers/ports.ts';
import { createWorkers } from '../workers/workers.ts';
import type { HostBus } from './bus.ts';
import type { HostFacts } from './facts.ts';
import { createLastLines } from './last-lines.ts';
import type { Secrets } from './secrets/secrets.ts';
import type { Setup } from './secrets/setup.ts';

interface HostWorkersNeeds {
  time: Time;
  settings: Pick<HostSettings, 'cells' | 'workers' | 'fence'>;
  facts: Pick<HostFacts, 'folder'>;
  journal: Journal;
  meter: Pick<Meter, 'merge'>;
  exec: Pick<Exec, 'children'>;
  setup: Pick<Setup, 'unfenced'> & { secrets: Pick<Secrets, 'values'> };
  answer: WorkersNeeds['answer'];
  models: NonNullable<WorkersNeeds['models']>;
  bus: Pick<HostBus, 'emit'>;
}

/** The workers of a host: their findings are facts on the bus. */
export function createHostWorkers(needs: HostWorkersNeeds): Workers {
  const { time, journal, exec, bus, answer, settings } = needs;
  const { folder } = needs.facts;
  const { scrub } = journal;
  const lastLines = createLastLines();
  const emptyFolder = join(folder, 'data/run/empty');
  rmSync(emptyFolder, { recursive: true, force: true });
  mkdirSync(emptyFolder, { recursive: true, mode: 0o700 });
  return createWorkers(
    {
      time,
      log: journal.child('workers'),
      events: {
        ended: (ends) =>
          bus.emit(
            'attempts.ended',
            ends.map((end) => ({ ...end, outcome: withoutSecrets(lastLines.keep(end.outcome), scrub) })),
          ),
        released: (attempts) => bus.emit('attempts.released', attempts),
        capacityChanged: (agent) => bus.emit('capacity.changed', agent),
      },
      answer,
      models: needs.models,
      secrets: async (agent) => needs.setup.secrets.values(agent),
      lines(lines) {
        lastLines.add(lines);
        journal.lines(lines);
      },
      gone: (end) => bus.emit('worker.gone', scrub.value(end)),
      leftOver: (found) => bus.emit('job.left-over', scrub.value(found)),
      readings: (list) => bus.emit('reading', list),
      measured: createOwnFigures(needs),
      children: exec.children,
      memoryKills: openMemoryKills(),
      apart: () => bus.emit('placement.changed', []),
      unfenced(fault) {
        needs.setup.unfenced(fault);
        bus.emit('placement.changed', []);
      },
      cellReplaced: (cell) => bus.emit('cell.replaced', cell),
    },
    {
      ...{ folder, emptyFolder, fence: settings.fence },
      ...{
        cellSize: settings.cells.size,
        idleMs: settings.cells.idleMs,
        most: settings.workers.max ?? mostWorkersHere(),
      },
    },
  );
}

/** How many workers this machine carries, or the container around the host: both figures are of what its cgroup grants. */
function mostWorkersHere(): number {
  const bound = process.constrainedMemory();
  const memoryBytes = bound > 0 ? Math.min(bound, totalmem()) : totalmem();
  return mostWorkers({ cores: availableParallelism(), memoryBytes });
}

/** Takes what plugins count to the meter; series that are too many are told once for each agent. */
function createOwnFigures({ time, journal, meter }: Pick<HostWorkersNeeds, 'time' | 'journal' | 'meter'>) {
  const books = new Map<string, ReturnType<typeof createOwnSeries>>();
  const warned = new Set<string>();

  function bookOf(agent: string) {
    const known = books.get(agent) ?? createOwnSeries();
    books.set(agent, known);
    return known;
  }

  return (agent: string, measures: Measures) => {
    const book = bookOf(agent);
    const line = mergeMeasures(book, measures, { agent, at: time.now() });
    for (const { name, ...series } of book.take()) meter.merge({ agent, name: `${OWN_PREFIX}${name}`, ...series });
    if (!line || warned.has(agent)) return;
    warned.add(agent);
    journal.lines([line]);
  };
}

/** An outcome as it may be recorded: no secret that the plugin held is in its result, its summary or its fault. */
function withoutSecrets(outcome: Outcome, scrub: Journal['scrub']): Outcome {
  const summary = outcome.summary === undefined ? {} : { summary: scrub.text(outcome.summary) };
  if (outcome.is === 'failed') return { ...outcome, ...summary, fault: scrub.value(outcome.fault) };
  return { ...outcome, ...summary, result: outcome.result === null ? null : scrub.json(outcome.result) };
}
