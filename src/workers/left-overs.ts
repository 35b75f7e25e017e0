import { causeOf } from '../jobs/faults.ts';
import type { PlainFault } from '../kernel/fault.ts';
import type { LeftOver, WorkersNeeds } from './ports.ts';
import type { FromCell } from './wire.ts';
import type { HostWorker } from './worker.ts';

type Message = Extract<FromCell, { say: 'left-over' }>;

const LONGEST_STACK = 4_096;
/** Kinds of left-overs that are remembered as told. */
const MOST_REPORTED = 1_000;

/** Errors, timers and connections that jobs leave behind in their workers. */
interface LeftOvers {
  /**
   * An error is a line of the job that it belongs to and an incident the first time, and its worker is replaced once the
   * job that it has now is done: that one did nothing wrong and loses nothing. A timer is a warning, once a version; a connection, once for each place that
   * takes one.
   */
  received(worker: HostWorker, message: Message): void;
}

export function createLeftOvers(needs: Pick<WorkersNeeds, 'time' | 'lines' | 'leftOver'>): LeftOvers {
  const reported = new Set<string>();

  function isNew(key: string): boolean {
    if (reported.has(key)) return false;
    if (reported.size >= MOST_REPORTED) reported.clear();
    reported.add(key);
    return true;
  }

  function line({ worker, agent, job, fault, is }: LeftOver & { is: Message['is'] }) {
    const { stack = '', ...rest } = fault;
    const data = JSON.stringify({ fault: { ...rest, stack: stack.slice(0, LONGEST_STACK) } });
    const message =
      is !== 'error' ? fault.message : `left behind by ${nameOf(job)}, and thrown after its end: ${fault.message}`;
    const level = is === 'error' ? 'error' : 'warn';
    needs.lines([{ at: needs.time.now(), level, agent, job, worker, message, data }]);
  }

  return {
    received(worker, { is, job: owner, fault }) {
      const job = worker.hasHeld(owner) ? owner : '';
      const { name, agent } = worker;
      const version = agent.version.id;
      const found: LeftOver = { worker: name, agent: agent.name, version, job, fault: asCrash(job, fault) };
      if (is === 'error') worker.drain();
      if (is === 'error' || isNew(`${agent.name} ${version} ${is} ${placeOf(is, fault)}`))
        line({ ...found, fault, is });
      if (is === 'error' && isNew(`${agent.name} ${version} ${causeOf(fault)}`)) needs.leftOver?.(found);
    },
  };
}

/** A timer is told once, wherever it was begun. */
function placeOf(is: Message['is'], { code, file, line }: PlainFault): string {
  return is === 'timer' ? '' : `${code} ${file}:${line}`;
}

/** Empty: nobody knows which it was. */
function nameOf(job: string): string {
  return job || 'an earlier job';
}

function asCrash(job: string, fault: PlainFault): PlainFault {
  return {
    ...fault,
    code: 'CRASHED',
    message: `left behind by ${nameOf(job)}: ${fault.message}`,
    data: { ...fault.data, job },
  };
}
