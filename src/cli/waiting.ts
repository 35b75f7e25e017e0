import type { ControlClient } from '../control/client.ts';
import type { JobView, LogLine } from '../control/protocol.ts';
import { connectAgain, isHostAway } from './again.ts';
import type { Stage } from './ports.ts';
import { holdUpLines } from './text/hold-up.ts';
import { logLines, logTime } from './text/log.ts';

/** A host that restarts while a job is waited for is given this long to come back. */
const HOST_BACK_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 200;
const LOOK_EVERY_MS = 1_000;
const ENDED = new Set(['done', 'dead', 'cancelled']);

/** Waits until the job has ended; tells meanwhile whatever holds it up, each time that it changes, and that leaving is no loss. */
export async function waitFor(stage: Stage, first: ControlClient, job: JobView, tail: JobTail): Promise<JobView> {
  const showHold = holdTeller(stage);
  showHold(job);
  let client = first;
  let seen = job;
  while (!ENDED.has(seen.state)) {
    const over = new AbortController();
    try {
      void watch(client, over.signal);
      seen = await client.ask('job', { id: job.id, wait: true });
      if (!ENDED.has(seen.state)) await stage.time.sleep(ASK_AGAIN_MS);
    } catch (thrown) {
      if (!isHostAway(thrown)) throw thrown;
      stage.note('the host went away; the job is kept, waiting for the host to come back');
      client = await connectAgain(stage, HOST_BACK_WITHIN_MS);
      tail.from(client, job.agent);
    } finally {
      over.abort();
    }
  }
  return seen;

  /** Looks now and then whether something holds the job up, until its end is known. */
  async function watch(on: ControlClient, signal: AbortSignal) {
    try {
      for (;;) {
        await stage.time.sleep(LOOK_EVERY_MS, signal);
        const now = await on.ask('job', { id: job.id });
        if (!signal.aborted) showHold(now);
      }
    } catch {
      // The caller that waits for the end is told as well.
    }
  }
}

/** Reports each hold once: the time of the next try moves on, the reason counts. */
function holdTeller(stage: Stage): (job: JobView) => void {
  let before: string | undefined;
  let hasPrinted = false;
  return (job) => {
    const now = job.holdUp?.text;
    if (now === before || stage.json) return;
    before = now;
    if (!job.holdUp) return;
    const look = { clock: { ...stage.clock, now: stage.time.now() }, paint: stage.paintNote };
    for (const line of holdUpLines(job, look)) stage.note(line);
    if (!hasPrinted) stage.note(`  Ctrl-C leaves: ${job.id} stays in the queue`);
    hasPrinted = true;
  };
}

interface JobTail {
  /** Follows the agent's log on this connection. */
  from(client: ControlClient, agent: string): void;
  /** From now on, and among what was heard so far, only lines of this job are shown. */
  only(job: string): void;
}

/** The log of one job as it is written. */
export function jobTail(stage: Stage): JobTail {
  let wanted: string | undefined;
  let before = stage.clock.now;
  const early: LogLine[] = [];
  return {
    from(client, agent) {
      // Its end is the end of the connection, which whoever waits for the job hears as well.
      client.ask('follow', { agent }, received).catch(() => {});
    },
    only(job) {
      wanted = job;
      for (const line of early.splice(0)) received(line);
    },
  };

  function received(line: LogLine) {
    if (wanted === undefined) early.push(line);
    else if (line.job === wanted && !stage.json) {
      const look = { clock: stage.clock, paint: stage.paintNote, width: stage.width };
      for (const text of logLines(line, look, { agent: false, job: false, before })) stage.note(text, true);
      before = logTime(line);
    }
  }
}
