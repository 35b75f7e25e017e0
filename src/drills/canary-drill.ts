import type { ControlClient } from '../control/client.ts';
import type { DrillView, JobView, LogLine } from '../control/protocol.ts';
import { drillAgent } from '../kernel/drill-agents.ts';
import { pidsNow, readStat, readVariable } from '../kernel/proc.ts';
import type { DrillHost } from './canaries.ts';
import { type CanaryPlan, type DrillUpdate, drillView } from './plans.ts';

/** Reports a step of the drill. */
export type Report = (what: DrillUpdate['what'], text: string, memoryBytes?: number) => void;

/** The moments of a fault, as the log of the host has them; epoch ms. */
interface CanarySigns {
  faultAt?: number;
  seen?: { at: number; code: string };
}

const ATTEMPTS = 2;
const ENDS_WITHIN_MS = 60_000;
const CLEARED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 25;
const MEMORY_EVERY_MS = 250;

/** Puts the fault of a plan into its canary and measures the way back. The canary is at the host already. */
export async function canaryDrill(host: DrillHost, plan: CanaryPlan, report: Report): Promise<DrillView> {
  const { client, time } = host;
  const agent = drillAgent(plan.name);
  const before = drillLeftovers(host.pid);
  const signs: CanarySigns = {};
  const log = await followLog(host, agent, signs, report);
  const endMemory = watchMemory(host, agent, (bytes) => report('memory', '', bytes));
  try {
    // A worker that has worked before, as it has in the middle of its day.
    const warmUp = await client.ask('run', { agent, input: 'warm up', attempts: ATTEMPTS });
    await drillEndOf(host, warmUp.id);
    const { id } = await client.ask('run', { agent, attempts: ATTEMPTS });
    report('started', `${id} of ${agent}`);
    const job = await drillEndOf(host, id);
    const left = await cleared(host, agent, before);
    const first = job.failures?.[0];
    const faultAt = signs.faultAt ?? Date.parse(first?.startedAt ?? job.startedAt ?? job.queuedAt);
    const repairedAt = plan.survives ? (left === 0 ? time.now() : null) : secondStart(job);
    const detectedAt = plan.survives ? repairedAt : (signs.seen?.at ?? (first ? Date.parse(first.finishedAt) : null));
    if (repairedAt !== null) report('repaired', `attempt ${job.attempt} of ${job.id} is ${job.state}`);
    return drillView(plan, {
      detectMs: since(faultAt, detectedAt),
      repairMs: since(faultAt, repairedAt),
      lost: job.state === 'done' ? 0 : 1,
      left,
      seen: signs.seen?.code ?? first?.error.code ?? null,
    });
  } finally {
    endMemory();
    log.close();
  }
}

/** Waits for the end of a job, 60 s at most where nothing else is said; resolves with the job as it is then. */
export async function drillEndOf(
  { connect, client, time }: DrillHost,
  id: string,
  withinMs = ENDS_WITHIN_MS,
): Promise<JobView> {
  const waiting = await connect();
  const stop = time.after(withinMs, () => waiting.close());
  try {
    return await waiting.ask('job', { id, wait: true });
  } catch {
    return await client.ask('job', { id });
  } finally {
    stop();
    waiting.close();
  }
}

const since = (from: number, to: number | null) => (to === null ? null : Math.max(0, to - from));

/** The start of the attempt after the fault; null when there was none, or it has not ended. */
function secondStart({ attempt, state, startedAt }: JobView): number | null {
  const hasEnded = state === 'done' || state === 'dead' || state === 'cancelled';
  return attempt > 1 && hasEnded && startedAt !== null ? Date.parse(startedAt) : null;
}

/** Notes the moments at which the fault begins and its worker goes. The connection that is returned ends it. */
async function followLog(
  { connect }: DrillHost,
  agent: string,
  signs: CanarySigns,
  report: Report,
): Promise<ControlClient> {
  const client = await connect();
  const onLine = (line: LogLine) => {
    if (line.msg === 'the fault begins' && signs.faultAt === undefined) {
      const { inMs } = (line.data ?? {}) as { inMs?: number };
      signs.faultAt = Date.parse(String(line.at)) + Number(inMs ?? 0);
      report('fault', 'the fault begins');
    }
    if (line.event === 'worker.gone' && !signs.seen) {
      signs.seen = { at: Date.parse(line.time), code: String(line.code) };
      report('seen', line.msg);
    }
  };
  // The stream ends with its connection: that rejection says nothing new.
  void client.ask('follow', { agent }, onLine).catch(() => undefined);
  // An answer on the same connection: the host follows by now.
  await client.ask('ping', {});
  return client;
}

/** Waits until nothing of the canary is left but an idle worker, 10 s at most; returns how much is left after all. */
async function cleared({ client, time, pid }: DrillHost, agent: string, before: Set<string>): Promise<number> {
  const deadline = time.monotonic() + CLEARED_WITHIN_MS;
  for (;;) {
    const workers = await client.ask('workers', { agent });
    const busy = workers.filter((worker) => worker.is !== 'idle').length;
    const processes = [...drillLeftovers(pid)].filter((name) => !before.has(name)).length;
    if (busy + processes === 0 || time.monotonic() > deadline) return busy + processes;
    await time.sleep(LOOK_EVERY_MS);
  }
}

/** Calls with the memory of the canary's worker each 250 ms, until the returned function is called. */
function watchMemory({ client, time }: DrillHost, agent: string, call: (bytes: number) => void): () => void {
  let isOver = false;
  let cancel = () => {};
  const look = async () => {
    const workers = await client.ask('workers', { agent }).catch(() => []);
    if (isOver) return;
    const bytes = workers.find(({ memoryBytes }) => memoryBytes !== null)?.memoryBytes;
    if (typeof bytes === 'number') call(bytes);
    cancel = time.after(MEMORY_EVERY_MS, () => void look());
  };
  void look();
  return () => {
    isOver = true;
    cancel();
  };
}

/** The variable that the exec broker gives to each process that it starts. */
const EXEC_MARK = 'DARUMA_EXEC';

/** Zombies below a host and processes that its commands started, as `pid:start`; empty where there is no /proc. */
function drillLeftovers(host: number): Set<string> {
  const found = new Set<string>();
  for (const pid of pidsNow()) {
    const stat = readStat(pid);
    if (!stat) continue;
    if (stat.isZombie ? isBelow(stat.parent, host) : readVariable(pid, EXEC_MARK)) found.add(`${pid}:${stat.start}`);
  }
  return found;
}

/** Whether a parent is the host, or a child of it. */
function isBelow(parent: number, host: number): boolean {
  return parent === host || readStat(parent)?.parent === host;
}
