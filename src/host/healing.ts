import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { ExecLeft } from '../gateway/exec/ports.ts';
import { createHealer, type Healer, type HealerNeeds } from '../healing/healer.ts';
import type { OutageSource } from '../healing/ports.ts';
import { largestOf, type MachineResources } from '../healing/pressure.ts';
import { endWords } from '../healing/words.ts';
import type { Agent } from '../jobs/agent.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Log } from '../kernel/log.ts';
import type { HostEndRecord } from '../kernel/pulse.ts';
import type { Time } from '../kernel/time.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { Store } from '../store/ports.ts';
import type { Events } from '../telemetry/events.ts';
import type { Scrubber } from '../telemetry/scrub.ts';
import type { LeftOver, WorkerEnd, Workers } from '../workers/ports.ts';
import type { HostBus } from './bus.ts';

interface HealingNeeds {
  time: Time;
  log: Log;
  store: Store;
  events: Events;
  scrub: Pick<Scrubber, 'value'>;
  /** Whoever may have jobs. */
  runnableAgents(): ReadonlyMap<string, Agent>;
  /** Gives disk back, and says how much. */
  cleanUp(): Promise<string>;
  workers: Workers;
  jobs: Pick<Jobs, 'wake'>;
  schedule: Pick<Schedule, 'planAgain'>;
  bus: Pick<HostBus, 'emit'>;
  /** Paused, or held by the host. */
  isHeld(agent: string): boolean;
  /** Where the store is: its disk is looked at. */
  storeFolder: string;
  /** Servers that agents call. */
  origins: OutageSource;
  /** Agents with a schedule and without a next slot. */
  unscheduled: NonNullable<HealerNeeds['unscheduled']>;
}

const SHORT = { code: 'RECYCLED', message: 'the machine is short of memory' };

/** The healer, wired to the rooms. */
export function createHealing({ time, log, events, runnableAgents, cleanUp, ...needs }: HealingNeeds): Healer {
  const { workers, jobs, schedule, bus } = needs;
  return createHealer({
    time,
    log,
    events,
    store: withoutSecrets(needs.store, needs.scrub),
    agent: (name) => runnableAgents().get(name),
    isHeld: needs.isHeld,
    excused: (name) =>
      needs.isHeld(name) || workers.view().workers.some((worker) => worker.agent === name && worker.job !== null),
    wake: (name) => jobs.wake(name),
    recycle: (worker, why) => workers.recycle?.(worker, why),
    ownCell: (name) => workers.ownCell?.(name),
    room: () => roomOf(needs.storeFolder),
    dropAllIdle() {
      for (const { worker, is } of workers.view().workers) if (is === 'idle') workers.recycle?.(worker, SHORT);
    },
    letGo(agent) {
      const why = { code: 'RECYCLED', message: 'its work is late' };
      for (const one of workers.view().workers) {
        if (one.agent === agent && one.is === 'idle') workers.recycle?.(one.worker, why);
      }
    },
    recycleLargest() {
      const largest = largestOf(workers.view().workers);
      if (largest) workers.recycle?.(largest.worker, SHORT);
    },
    cleanUp,
    unscheduled: needs.unscheduled,
    planAgain: (agent) => schedule.planAgain(agent),
    bearingsChanged: () => bus.emit('placement.changed', []),
    origins: needs.origins,
  });
}

/** What is written of an incident holds no secret, whoever saw it. */
function withoutSecrets(store: Store, scrub: Pick<Scrubber, 'value'>): Store {
  return {
    ...store,
    openIncident: (incident) => store.openIncident(scrub.value(incident)),
    updateIncident: (incident) => store.updateIncident(scrub.value(incident)),
  };
}

/** Keeps the end of a worker as an event. */
export function recordWorkerEnd(events: Events, { worker, agent, version, because, uptimeMs }: WorkerEnd): void {
  events.record('warn', {
    kind: 'worker.gone',
    agent,
    message: `worker ${worker} of ${agent} ended: ${because.message}`,
    data: { worker, version, code: because.code, uptimeMs },
  });
}

/** A container's bounds where there are any, else the machine's. */
async function roomOf(folder: string): Promise<MachineResources> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const bound = process.constrainedMemory();
  return {
    memoryFree: process.availableMemory(),
    memoryTotal: bound > 0 && bound < totalmem() ? bound : totalmem(),
    diskFree: bavail * bsize,
    diskTotal: blocks * bsize,
  };
}

/** What a command left running is an incident that is over when it is told: the broker has seen that nothing of it is there. */
export function recordLeftProcess(
  healer: Pick<Healer, 'mended'>,
  { agent, job, command, count, processes }: ExecLeft,
): void {
  const names = [...new Set(processes.map((one) => one.command))].join(', ');
  const message = `${command} left ${count} ${count === 1 ? 'process' : 'processes'} running: ${names}`;
  const because = { code: 'CHILDREN_LEFT', message, data: { job, command, count, processes } };
  healer.mended({ agent, verdict: 'children-left', because, seen: message, job }, 'nothing of them is left');
}

/** An error of a job that had ended is an incident that is over when it is told: no other job was struck by it. */
export function recordLeftOver(healer: Pick<Healer, 'mended'>, { worker, agent, version, job, fault }: LeftOver): void {
  const seen = endWords(worker, fault);
  const note = `${worker} takes no more jobs, and a clean one takes its place after the job that it has`;
  const proof = 'no other job was struck';
  healer.mended(
    { agent, verdict: 'crashed', because: fault, seen, worker, version, ...(job ? { job } : {}) },
    proof,
    note,
  );
}

/** One incident for the host that was lost before this one, with what it said and the jobs that it had. */
export function recordHostLost(healer: Pick<Healer, 'hostLost'>, lost: readonly HostEndRecord[], jobs: string[]) {
  const last = lost.at(-1);
  if (!last) return;
  const { pid, why, code, signal, uptimeMs, stderr } = last;
  const times = lost.length === 1 ? '' : `, ${lost.length} times in a row`;
  const held = jobs.length === 0 ? '' : `; ${jobs.length} ${jobs.length === 1 ? 'job was' : 'jobs were'} running`;
  const message = `the host${pid === null ? '' : ` (pid ${pid})`} ${why}${times}${held}`;
  healer.hostLost(
    { code: 'HOST_LOST', message, data: { pid, code, signal, uptimeMs, stderr: stderr.slice(-2_048) } },
    jobs,
  );
}

/** Keeps it as an event that a cell was replaced for what none of its workers accounts for. */
export function recordCellReplaced(
  events: Events,
  { pid, agents, why, killed }: { pid: number; agents: string[]; why: string; killed: boolean },
): void {
  events.record('warn', {
    kind: 'cell.replaced',
    agent: null,
    message: `the cell (pid ${pid}) was replaced: ${why}`,
    data: { pid, agents, killed },
  });
}
