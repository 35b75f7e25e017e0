import type { ControlClient } from '../../control/client.ts';
import type { JobView, LogLine } from '../../control/protocol.ts';
import { neverAgain, wallMs } from '../../control/words/job.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { Fault, usage } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { oneLine } from '../../kernel/shown-text.ts';
import { formatDuration } from '../../kernel/units.ts';
import { connectAgain, isHostAway } from '../connection.ts';
import { durationOf, readJson } from '../given.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { dryRunLines } from '../text/dry-run.ts';
import { faultLines } from '../text/fault.ts';
import { holdUpLines, isAsAsked, usedKeyLines } from '../text/job.ts';
import { logLines, logTime } from '../text/log.ts';
import { cut } from '../text/width.ts';

interface RunCommandOptions {
  wait?: boolean;
  within?: string;
  input?: string;
  with?: string[];
  key?: string;
  debug?: boolean;
  dryRun?: boolean;
  live?: boolean;
}

/** An attempt may take as long as its limits say; a host that is silent is noticed by its connection. */
const DRY_RUN_WITHIN_MS = 3_600_000;

/** Puts one job in the queue; with `--wait` its log goes to stderr until it has ended. */
export async function runCommand(stage: Stage, [agent]: Words, options: RunCommandOptions): Promise<CommandResult> {
  const input = readInput(options, `run ${agent}`);
  if (options.within !== undefined && !options.wait)
    throw usage('--within goes with --wait', `daruma run ${agent} --wait --within ${options.within}`);
  if (options.dryRun) return await dryRun(stage, agent!, input, options);
  if (options.live) throw usage('--live goes with --dry-run', `daruma run ${agent} --dry-run --live`);
  const args = {
    agent: agent!,
    ...given({ input, key: options.key, debug: options.debug }),
  };
  if (options.wait) return await runAndWait(stage, args, options.within);
  const job = await stage.ask('run', args);
  if (job.usedKey) {
    return { json: job, lines: usedKeyLines(job, job.usedKey, stage), code: isAsAsked(job.usedKey) ? 0 : 1 };
  }
  const mark = stage.paint('green', '✓');
  const line = `${mark} ${job.id} of ${agent} is ${job.state}        daruma jobs ${job.id}`;
  return { json: job, lines: [line, ...holdUpLines(job, stage)] };
}

/** Exit code 0 when the attempt came to its end, 3 when it was refused something on the way, 1 when it failed. */
async function dryRun(
  stage: Stage,
  agent: string,
  input: unknown,
  { wait, key, debug, live = false }: RunCommandOptions,
): Promise<CommandResult> {
  const odd = [wait && '--wait', key !== undefined && '--key', debug && '--debug'].find(Boolean);
  if (odd) throw usage(`${odd} is for jobs that are kept, and a dry run keeps none`, `daruma run ${agent} --dry-run`);
  const answer = await stage.ask('dryRun', { agent, live, ...given({ input }) }, DRY_RUN_WITHIN_MS);
  return {
    json: answer,
    lines: dryRunLines(answer, stage),
    code: answer.state === 'done' ? 0 : answer.refused > 0 ? 3 : 1,
  };
}

async function runAndWait(
  stage: Stage,
  args: { agent: string; input?: unknown; key?: string; debug?: boolean },
  within: string | undefined,
): Promise<CommandResult> {
  const withinMs = within === undefined ? undefined : durationOf(within, BOUNDS.timer, '--within');
  // The log is followed before the job exists, so that not even its first line is missed.
  const tail = jobTail(stage);
  const client = await stage.connect();
  tail.from(client, args.agent);
  const { usedKey, ...job } = await client.ask('run', args);
  if (!usedKey && !stage.json) stage.note(`${job.id}  ${args.agent}  (manual, does not move the schedule)`);
  if (usedKey) {
    const lines = usedKeyLines(job, usedKey, stage);
    // The command does not wait for a job that another command asked for, nor for a job that has failed.
    if (!isAsAsked(usedKey)) return { json: { ...job, usedKey }, lines, code: 1 };
    if (!stage.json) for (const line of lines) stage.note(line);
  }
  tail.only(job.id);
  const leave = () => {
    if (!stage.json) stage.note(`\n${job.id} goes on without you: daruma jobs ${job.id}`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  const late = new AbortController();
  try {
    const waiting = waitFor(stage, client, job, tail, late.signal);
    const ended = await (withinMs === undefined
      ? waiting
      : Promise.race([waiting, tooLate(stage, { id: job.id, withinMs, signal: late.signal })]));
    return {
      json: { ...ended, usedKey: usedKey ?? null },
      lines: endLines(ended, stage),
      code: ended.state === 'done' ? 0 : 1,
    };
  } finally {
    late.abort();
    process.off('SIGINT', leave);
  }
}

/** Rejects with `RUN_LATE` after the time that `--within` gives a job. */
async function tooLate(
  { time }: Stage,
  { id, withinMs, signal }: { id: string; withinMs: number; signal: AbortSignal },
): Promise<never> {
  await time.sleep(withinMs, signal);
  throw new Fault({
    code: 'RUN_LATE',
    message: `${id} has not ended within ${formatDuration(withinMs)}; it goes on without you`,
    next: `daruma jobs ${id}; daruma cancel ${id} ends it`,
    data: { job: id },
  });
}

/** Lines for a person about a job that has ended. */
export function endLines(job: JobView, { paint, width }: Stage): string[] {
  const tookMs = wallMs(job);
  const took = tookMs === null ? '' : ` in ${formatDuration(tookMs)}`;
  if (job.state === 'done') {
    const nothing = job.result === null || job.result === undefined;
    const start = `${paint('green', '✓')} ok${took}`;
    return [nothing ? start : `${start} · result ${cut(oneLine(JSON.stringify(job.result)), width)}`];
  }
  const tried = job.attempt === 1 ? 'one attempt' : `${job.attempt} attempts`;
  const lines = [`${paint('red', '✗')} ${job.state} after ${tried}${took}        daruma jobs ${job.id}`];
  if (job.error) lines.push(...faultLines(job.error, paint).map((line) => `  ${line}`));
  const never = neverAgain(job);
  if (never) lines.push(`  ${never}`);
  return lines;
}

/** The job's input of `--input` and `--with`; undefined when neither is given. `command`: the words to repeat in a fault. */
export function readInput({ input, with: fields }: RunCommandOptions, command: string): unknown {
  let whole: unknown;
  if (input !== undefined) {
    try {
      whole = readJson(input);
    } catch (thrown) {
      throw usage(`--input is not JSON: ${(thrown as Error).message}`, `daruma ${command} --input '{"key":"value"}'`);
    }
  }
  if (!fields) return whole;
  if (whole !== undefined && (typeof whole !== 'object' || whole === null || Array.isArray(whole))) {
    throw usage('--with adds fields to an object, and --input is none', `daruma ${command} --input '{}'`);
  }
  return { ...(whole as object | undefined), ...Object.fromEntries(fields.map((field) => fieldOf(field, command))) };
}

function fieldOf(text: string, command: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`--with ${text} is not key=value`, `daruma ${command} --with key=value`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}

/** A host that restarts while a job is waited for is given this long to come back. */
const HOST_BACK_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 200;
const LOOK_EVERY_MS = 1_000;
const ENDED = new Set(['done', 'dead', 'cancelled']);

/**
 * Waits until the job has ended, or its caller has given up (`givenUp`). Prints meanwhile why the job waits, each time that the reason changes, and that
 * Ctrl-C loses nothing.
 */
async function waitFor(
  stage: Stage,
  first: ControlClient,
  job: JobView,
  tail: JobTail,
  givenUp?: AbortSignal,
): Promise<JobView> {
  const showHold = holdPrinter(stage);
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
      if (givenUp?.aborted || !isHostAway(thrown)) throw thrown;
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
      // `waitFor` gets the same failure from its own question.
    }
  }
}

/** Reports each hold once: the time of the next try moves on, the reason counts. */
function holdPrinter(stage: Stage): (job: JobView) => void {
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
function jobTail(stage: Stage): JobTail {
  let wanted: string | undefined;
  let before = stage.clock.now;
  const early: LogLine[] = [];
  return {
    from(client, agent) {
      // The stream ends with the connection, and `waitFor` notices that as well.
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
