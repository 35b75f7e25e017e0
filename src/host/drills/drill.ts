import { type DrillPlan, type DrillResult, judgeDrill } from '../../healing/drill-plans.ts';
import { drillAgent } from '../../kernel/drill-agents.ts';
import { pidsNow, readStat, readVariable } from '../../kernel/proc.ts';
import type { HostContext } from '../host-context.ts';

/** What a drill tells while it goes on. */
export interface DrillNews {
  drill: string;
  at: number;
  what: 'started' | 'fault' | 'seen' | 'repaired' | 'memory' | 'done';
  text: string;
  memoryBytes?: number;
}

const ENDS_WITHIN_MS = 60_000;
const CLEARED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 25;

/** Puts one fault into a canary and measures what comes of it. */
export async function drill(
  hostContext: HostContext,
  plan: DrillPlan,
  tell: (news: DrillNews) => void,
): Promise<DrillResult> {
  const { time, jobs, journal, events, store } = hostContext;
  const agent = drillAgent(plan.name);
  const news = (what: DrillNews['what'], text: string, memoryBytes?: number) =>
    tell({ drill: plan.name, at: time.now(), what, text, ...(memoryBytes === undefined ? {} : { memoryBytes }) });
  let faultAt: number | undefined;
  let seen: { at: number; code: string; message: string } | undefined;

  const before = leftovers();
  const endFollow = journal.follow((line) => {
    if (line.agent !== agent || line.msg !== 'the fault begins') return;
    faultAt ??= Date.parse(String(line.at)) + Number(line.inMs ?? 0);
    news('fault', 'the fault begins');
  });
  const endListen = events.listen((event) => {
    if (event.kind !== 'worker.gone' || event.agent !== agent || seen) return;
    seen = { at: event.at, code: String(event.data?.code), message: event.message };
    news('seen', event.message);
  });
  const memory = watchMemory(hostContext, agent, (bytes) => news('memory', '', bytes));
  const deadline = AbortSignal.timeout(ENDS_WITHIN_MS);
  try {
    // A worker that has worked before, as one in the middle of its day has.
    const [warmUp] = await jobs.add([{ agent, trigger: 'manual', input: '"warm up"', attempts: 2 }]);
    await jobs.finished(warmUp!.id, deadline);
    const [added] = await jobs.add([{ agent, trigger: 'manual', input: null, attempts: 2 }]);
    news('started', `${added!.id} of ${agent}`);
    const ended = await jobs.finished(added!.id, deadline).catch(() => undefined);
    const job = (await store.get(added!.id))!;
    faultAt ??= job.failures[0]?.startedAt ?? job.startedAt ?? job.queuedAt;
    const left = await cleared(hostContext, agent, before);
    const endedAt = time.now();
    const repairedAt = plan.survives ? (left === 0 ? endedAt : null) : job.attempt > 1 && ended ? job.startedAt : null;
    const detectedAt = plan.survives ? repairedAt : (seen?.at ?? job.failures[0]?.finishedAt ?? null);
    if (repairedAt !== null) news('repaired', `attempt ${job.attempt} of ${job.id} is ${job.state}`);
    const result = judgeDrill(plan, {
      detectMs: since(faultAt, detectedAt),
      repairMs: since(faultAt, repairedAt),
      lost: job.state === 'done' ? 0 : 1,
      left,
      seen: seen?.code ?? job.failures[0]?.fault.code ?? null,
    });
    news('done', result.ok ? 'the promise is kept' : 'the promise is broken');
    return result;
  } finally {
    memory();
    endFollow();
    endListen();
  }
}

const since = (from: number, to: number | null) => (to === null ? null : Math.max(0, to - from));

/** Waits until nothing of the canary is left but one idle worker; returns what is left after all. */
async function cleared({ time, workers }: HostContext, agent: string, before: Set<string>): Promise<number> {
  const deadline = time.monotonic() + CLEARED_WITHIN_MS;
  for (;;) {
    const busy = workers.view().workers.filter((worker) => worker.agent === agent && worker.is !== 'idle').length;
    const processes = [...leftovers()].filter((one) => !before.has(one)).length;
    if (busy + processes === 0 || time.monotonic() > deadline) return busy + processes;
    await time.sleep(LOOK_EVERY_MS);
  }
}

/** Zombies below this process and processes that carry an exec marker, by pid and start time. */
function leftovers(): Set<string> {
  const found = new Set<string>();
  for (const pid of pidsNow()) {
    const stat = readStat(pid);
    if (stat && (stat.isZombie ? isOurs(stat.parent) : readVariable(pid, 'DARUMA_EXEC')))
      found.add(`${pid}:${stat.start}`);
  }
  return found;
}

/** A child of this process, or of a child of it. */
function isOurs(parent: number): boolean {
  return parent === process.pid || readStat(parent)?.parent === process.pid;
}

function watchMemory({ time, workers }: HostContext, agent: string, call: (bytes: number) => void): () => void {
  let cancel = () => {};
  const look = () => {
    const worker = workers.view().workers.find((one) => one.agent === agent && one.memoryBytes !== null);
    if (worker) call(worker.memoryBytes!);
    cancel = time.after(250, look);
  };
  look();
  return () => cancel();
}
