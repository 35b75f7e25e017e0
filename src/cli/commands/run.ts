import { readFileSync } from 'node:fs';
import type { JobView } from '../../control/protocol.ts';
import { formatDuration } from '../../kernel/units.ts';
import type { CommandResult, Stage } from '../ports.ts';
import { faultLines } from '../text/fault.ts';
import { holdUpLines, isAsAsked, usedKeyLines } from '../text/hold-up.ts';
import { neverAgain, wallMs } from '../text/job.ts';
import { cut, oneLine } from '../text/width.ts';
import { usage } from '../usage.ts';
import { jobTail, waitFor } from '../waiting.ts';

export interface RunCommandOptions {
  wait?: boolean;
  input?: string;
  with?: string[];
  key?: string;
}

/** Puts one job in the queue; with `--wait` its log goes to stderr until it has ended. */
export async function run(
  stage: Stage,
  [agent]: (string | undefined)[],
  options: RunCommandOptions,
): Promise<CommandResult> {
  const input = readInput(options, agent!);
  const args = {
    agent: agent!,
    ...(input === undefined ? {} : { input }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  if (options.wait) return await runAndWait(stage, args);
  const job = await stage.ask('run', args);
  if (job.usedKey) {
    return { json: job, lines: usedKeyLines(job, job.usedKey, stage), code: isAsAsked(job.usedKey) ? 0 : 1 };
  }
  const mark = stage.paint('green', '✓');
  const line = `${mark} ${job.id} of ${agent} is ${job.state}        daruma jobs ${job.id}`;
  return { json: job, lines: [line, ...holdUpLines(job, stage)] };
}

async function runAndWait(
  stage: Stage,
  args: { agent: string; input?: unknown; key?: string },
): Promise<CommandResult> {
  // The log is followed before the job exists, so that not even its first line is missed.
  const tail = jobTail(stage);
  const client = await stage.connect();
  tail.from(client, args.agent);
  const { usedKey, ...job } = await client.ask('run', args);
  if (!usedKey && !stage.json) stage.note(`${job.id}  ${args.agent}  (manual, does not move the schedule)`);
  if (usedKey) {
    const lines = usedKeyLines(job, usedKey, stage);
    // The command waits for no job that somebody else asked for, nor for one that has failed.
    if (!isAsAsked(usedKey)) return { json: { ...job, usedKey }, lines, code: 1 };
    if (!stage.json) for (const line of lines) stage.note(line);
  }
  tail.only(job.id);
  const leave = () => {
    if (!stage.json) stage.note(`\n${job.id} goes on without you: daruma jobs ${job.id}`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  try {
    const ended = await waitFor(stage, client, job, tail);
    return {
      json: { ...ended, usedKey: usedKey ?? null },
      lines: endLines(ended, stage),
      code: ended.state === 'done' ? 0 : 1,
    };
  } finally {
    process.off('SIGINT', leave);
  }
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

/** The job's input of `--input` and `--with`; undefined when neither is given. */
export function readInput({ input, with: fields }: RunCommandOptions, agent: string): unknown {
  let whole: unknown;
  if (input !== undefined) {
    try {
      whole = JSON.parse(
        input.startsWith('@') ? readFileSync(input.slice(1), 'utf8') : input === '-' ? readFileSync(0, 'utf8') : input,
      );
    } catch (thrown) {
      throw usage(`--input is not JSON: ${(thrown as Error).message}`, `daruma run ${agent} --input '{"key":"value"}'`);
    }
  }
  if (!fields) return whole;
  if (whole !== undefined && (typeof whole !== 'object' || whole === null || Array.isArray(whole))) {
    throw usage('--with adds fields to an object, and --input is none', `daruma run ${agent} --input '{}'`);
  }
  return { ...(whole as object | undefined), ...Object.fromEntries(fields.map((field) => fieldOf(field, agent))) };
}

function fieldOf(text: string, agent: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw usage(`--with ${text} is not key=value`, `daruma run ${agent} --with key=value`);
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}
