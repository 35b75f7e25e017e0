import type { BrokerBroken, ExecLeft } from '../gateway/exec/ports.ts';
import type { Healer } from '../healing/healer.ts';
import { endWords } from '../healing/words.ts';
import type { Settlement } from '../jobs/ports.ts';
import { waitOf, waitsOf } from '../jobs/waiting.ts';
import { mayHelp } from '../kernel/fault.ts';
import { given } from '../kernel/given.ts';
import { isoOf } from '../kernel/instant.ts';
import type { Log } from '../kernel/log.ts';
import type { HostEndRecord } from '../kernel/pulse.ts';
import { subject } from '../kernel/subjects.ts';
import type { Events } from '../telemetry/events.ts';
import type { LeftOver, WorkerEnd } from '../workers/ports.ts';
import { VERSION } from './facts.ts';
import type { HostContext } from './host-context.ts';

/** Records the end of a worker of this run of the host. The end of an attempt that a person cancelled came of the cancellation. */
export function recordWorkerEnd(events: Pick<Events, 'record'>, run: string, end: WorkerEnd): void {
  const { worker, agent, version, because, uptimeMs, job } = end;
  const failed = end.failed ?? (job ? [job] : []);
  const order = because.code === 'CANCELLED' && job ? [subject.job(job.job)] : [];
  events.record('warn', {
    kind: 'worker.gone',
    agent,
    message: `worker ${worker} of ${agent} ended: ${because.message}`,
    data: { worker, version, code: because.code, uptimeMs },
    about: [subject.worker(run, worker), ...failed.map(subject.attempt)],
    cameOf: [...order, subject.order(run, worker), subject.version(agent, version)],
  });
}

/** Processes that a command left are an incident which is over when it is recorded: the broker has seen that none is there. */
export function recordLeftProcess(
  healer: Pick<Healer, 'mended'>,
  { agent, job, command, count, processes }: ExecLeft,
): void {
  const names = [...new Set(processes.map((one) => one.command))].join(', ');
  const message = `${command} left ${count} ${count === 1 ? 'process' : 'processes'} running: ${names}`;
  const because = { code: 'CHILDREN_LEFT', message, data: { job, command, count, processes } };
  healer.mended({ agent, verdict: 'children-left', because, seen: message, job }, 'nothing of them is left');
}

/** A broker that sent nonsense is an incident which is over when it is recorded: it is killed, and the next one kills what it left. */
export function recordBrokerBroken(healer: Pick<Healer, 'mended'>, { why, agents }: BrokerBroken): void {
  const seen = `the exec broker sent ${why}`;
  const because = { code: 'MESSAGE_INVALID', message: seen, data: { agents } };
  healer.mended({ agent: null, verdict: 'crashed', because, seen }, 'it is killed, and what it ran with it');
}

/** An error of a job that had ended is an incident which is over when it is recorded: no other job was hit by it. */
export function recordLeftOver(healer: Pick<Healer, 'mended'>, { worker, agent, version, job, fault }: LeftOver): void {
  const seen = endWords(worker, fault);
  const note = `${worker} takes no more jobs, and a clean one takes its place after the job that it has`;
  const proof = 'no other job was struck';
  healer.mended({ agent, verdict: 'crashed', because: fault, seen, worker, version, ...given({ job }) }, proof, note);
}

/** Opens one incident for the host that was lost before this one, with its last words and its jobs. */
export function recordHostLost(healer: Pick<Healer, 'hostLost'>, lost: readonly HostEndRecord[], jobs: string[]) {
  const last = lost.at(-1);
  if (!last) return;
  const { pid, at, why, code, signal, uptimeMs, stderr } = last;
  const times = lost.length === 1 ? '' : `, ${lost.length} times in a row`;
  const held = jobs.length === 0 ? '' : `; ${jobs.length} ${jobs.length === 1 ? 'job was' : 'jobs were'} running`;
  const message = `the host${pid === null ? '' : ` (pid ${pid})`} ${why}${times}${held}`;
  healer.hostLost(
    { code: 'HOST_LOST', message, data: { pid, code, signal, uptimeMs, stderr: stderr.slice(-2_048) } },
    jobs,
    [subject.lostHost(pid, at)],
  );
}

/** Records that a cell was replaced for memory or files that none of its workers accounts for. */
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

/** Jobs of one agent in a row that are dead of the same fault of the programmer or the set-up. */
interface SameAgain {
  cause: string | null | undefined;
  first: string;
  count: number;
}

/**
 * Logs attempts that failed: a line with the reason and the next step. A failure that no other attempt can help is logged
 * in full once; the next failures of the same cause are a short line each.
 */
export function recordOutcomes(log: Log): (end: Settlement, agent: string) => void {
  const again = new Map<string, SameAgain>();

  /** Whether the end is one more of the same; if so, logs it. */
  function isRepeated({ state, error, cause, job }: Settlement, agent: string): boolean {
    if (state !== 'dead' || !error || mayHelp(error)) {
      again.delete(agent);
      return false;
    }
    const known = again.get(agent);
    if (known?.cause !== cause) {
      again.set(agent, { cause, first: job, count: 1 });
      return false;
    }
    known!.count += 1;
    const message = `${job} of ${agent} failed as ${known!.first} did, ${known!.count} in a row (${cause}); not tried again`;
    log.info(message, { agent, job, cause, code: error.code });
    return true;
  }

  return (end, agent) => {
    if (isRepeated(end, agent)) return;
    if (end.state !== 'dead' && end.state !== 'retrying') return;
    const { error, job, attempt, startedAt } = end;
    const wait = end.state === 'retrying' ? waitOf(error ?? null) : undefined;
    if (wait) {
      // Logged when the wait begins; its tries are the origin's story.
      const level = wait.since >= startedAt ? 'info' : 'debug';
      const message = `${job} of ${agent} waits for ${wait.waitsFor}; next attempt at ${isoOf(end.finishedAt + end.inMs!)}`;
      return log[level](message, { agent, job, attempt, waitsFor: wait.waitsFor });
    }
    const waits = end.state === 'retrying' && end.attempts !== undefined ? waitsOf(error ?? null) : undefined;
    if (waits) {
      const message = `${job} of ${agent} asked to be tried later: ${error!.message}; next attempt at ${isoOf(end.finishedAt + end.inMs!)}`;
      return log[waits.waits === 1 ? 'info' : 'debug'](message, { agent, job, attempt, waits: waits.waits });
    }
    const last = error && !mayHelp(error) ? 'not tried again: no other attempt can help' : 'given up';
    const rest = end.state === 'dead' ? last : `next attempt at ${isoOf(end.finishedAt + end.inMs!)}`;
    const message = `${job} of ${agent} failed: ${error?.message ?? 'no reason'}; ${rest}`;
    log[end.state === 'dead' ? 'error' : 'warn'](message, { agent, job, attempt, fault: error });
  };
}

/** Records that the host ends in good order. */
export function recordStop(events: Pick<Events, 'record'>): void {
  events.record('info', { kind: 'host.stopped', agent: null, message: 'host stops', about: [subject.host()] });
}

/** Records that the host is at work, and logs the problems of the host itself. Resolves when the event is on disk or given up. */
export async function recordStart({ events, catalog, warnings, journal }: HostContext): Promise<void> {
  events.record('info', {
    kind: 'host.started',
    agent: null,
    message: `host ${VERSION} started, pid ${process.pid}`,
    data: { agents: catalog.agents().size, node: process.versions.node },
    // Of the end of the host before.
    ...{ about: [subject.host()], cameOf: [subject.host()] },
  });
  const log = journal.child('host');
  for (const { code, message } of warnings()) log.warn(message, { code });
  await events.settled();
}
