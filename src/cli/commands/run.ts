import { readFileSync } from 'node:fs';
import type { ControlClient } from '../../control/client.ts';
import type { JobView, LogLine } from '../../control/protocol.ts';
import { formatDuration } from '../../kernel/units.ts';
import { connectAgain, isHostAway } from '../again.ts';
import type { Said, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { neverAgain, wallMs } from '../text/job.ts';
import { logLines, timeOf } from '../text/log.ts';
import { cut, oneLine } from '../text/width.ts';
import { usage } from '../usage.ts';

export interface RunOptions {
  wait?: boolean;
  input?: string;
  with?: string[];
  key?: string;
}

/** A host that restarts while a job is waited for is given this long to come back. */
const HOST_BACK_WITHIN_MS = 60_000;
const ASK_AGAIN_MS = 200;
const ENDED = new Set(['done', 'dead', 'cancelled']);

/** Puts one job in the queue; with `--wait` its log goes to stderr until it has ended. */
export async function run(stage: Stage, [agent]: (string | undefined)[], options: RunOptions): Promise<Said> {
  const input = readInput(options);
  const args = {
    agent: agent!,
    ...(input === undefined ? {} : { input }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  if (!options.wait) {
    const job = await stage.ask('run', args);
    const mark = stage.paint('green', '✓');
    return { json: job, lines: [`${mark} ${job.id} of ${agent} is ${job.state}        daruma jobs ${job.id}`] };
  }
  const job = await runAndWait(stage, args);
  return { json: job, lines: endLines(job, stage), code: job.state === 'done' ? 0 : 1 };
}

async function runAndWait(stage: Stage, args: { agent: string; input?: unknown; key?: string }): Promise<JobView> {
  // The log is followed before the job exists, so that not even its first line is missed.
  const tail = jobTail(stage);
  const client = await stage.connect();
  tail.from(client, args.agent);
  const job = await client.ask('run', args);
  if (!stage.json) stage.note(`${job.id}  ${args.agent}  (manual, does not move the schedule)`);
  tail.only(job.id);
  const leave = () => {
    if (!stage.json) stage.note(`\n${job.id} goes on without you: daruma jobs ${job.id}`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  try {
    return await waitFor(stage, client, job, tail);
  } finally {
    process.off('SIGINT', leave);
  }
}

async function waitFor(stage: Stage, first: ControlClient, job: JobView, tail: JobTail): Promise<JobView> {
  let client = first;
  let seen = job;
  while (!ENDED.has(seen.state)) {
    try {
      seen = await client.ask('job', { id: job.id, wait: true });
      if (!ENDED.has(seen.state)) await stage.time.sleep(ASK_AGAIN_MS);
    } catch (thrown) {
      if (!isHostAway(thrown)) throw thrown;
      stage.note('the host went away; the job is kept, waiting for the host to come back');
      client = await connectAgain(stage, HOST_BACK_WITHIN_MS);
      tail.from(client, job.agent);
    }
  }
  return seen;
}

interface JobTail {
  /** Follows the agent's log on this connection. */
  from(client: ControlClient, agent: string): void;
  /** From now on, and among what was heard so far, only lines of this job are shown. */
  only(job: string): void;
}

function jobTail(stage: Stage): JobTail {
  let wanted: string | undefined;
  let before = stage.clock.now;
  const early: LogLine[] = [];
  return {
    from(client, agent) {
      // Its end is the end of the connection, which whoever waits for the job hears as well.
      client.ask('follow', { agent }, (item) => heard(item as LogLine)).catch(() => {});
    },
    only(job) {
      wanted = job;
      for (const line of early.splice(0)) heard(line);
    },
  };

  function heard(line: LogLine) {
    if (wanted === undefined) early.push(line);
    else if (line.job === wanted && !stage.json) {
      const look = { clock: stage.clock, paint: stage.paintNote, width: stage.width };
      for (const text of logLines(line, look, { agent: false, job: false, before })) stage.note(text, true);
      before = timeOf(line);
    }
  }
}

/** What a person reads of a job that has ended. */
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

/** The job's input of `--input` and `--with`; undefined when neither is given. */
export function readInput({ input, with: fields }: RunOptions): unknown {
  let whole: unknown;
  if (input !== undefined) {
    try {
      whole = JSON.parse(
        input.startsWith('@') ? readFileSync(input.slice(1), 'utf8') : input === '-' ? readFileSync(0, 'utf8') : input,
      );
    } catch (thrown) {
      throw usage(`--input is not JSON: ${(thrown as Error).message}`, `daruma run <agent> --input '{"key":"value"}'`);
    }
  }
  if (!fields) return whole;
  if (whole !== undefined && (typeof whole !== 'object' || whole === null || Array.isArray(whole))) {
    throw usage('--with adds fields to an object, and --input is none', `daruma run <agent> --input '{}'`);
  }
  return { ...(whole as object | undefined), ...Object.fromEntries(fields.map(fieldOf)) };
}

function fieldOf(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`--with ${text} is not key=value`, 'daruma run <agent> --with key=value');
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}
