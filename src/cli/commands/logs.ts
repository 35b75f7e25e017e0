import type { ControlClient } from '../../control/client.ts';
import { keptLinesOf, linesBackwards, logFolderOf } from '../../control/log-files.ts';
import type { LogLine } from '../../control/protocol.ts';
import { BOUNDS } from '../../kernel/bounds.ts';
import { fullTime } from '../../kernel/clock.ts';
import { usage } from '../../kernel/fault.ts';
import { given } from '../../kernel/given.ts';
import { LOG_LEVELS, type LogLevel } from '../../kernel/log.ts';
import { connectAgain, isHostAway } from '../connection.ts';
import { expectAgent, numberOf, timeOf } from '../given.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';
import { logLines, logTime } from '../text/log.ts';

interface LogsOptions {
  follow?: boolean;
  level?: string;
  grep?: string;
  job?: string;
  since?: string;
  lines?: string;
  agent?: string;
  debug?: boolean;
  for?: string;
}

const NEWEST = { plain: 100, follow: 20, since: 10_000 };

/** The newest lines of the log files; with `--follow` each new one as well, over restarts of the host. */
export async function logsCommand(stage: Stage, [named]: Words, options: LogsOptions): Promise<CommandResult | number> {
  const agent = named ?? options.agent;
  if (options.debug) await logDebugLines(stage, agent, options.for);
  const wanted = filterOf(stage, agent, options);
  if (options.follow) return await follow(stage, agent, options, wanted);
  const inFiles = newest(stage, wanted);
  const lines = inFiles.length > 0 ? inFiles : await keptLines(stage, agent, options.job, wanted);
  if (stage.json) return { json: lines, lines: [] };
  if (lines.length === 0) stage.note('the log has no line that fits');
  const show = linePrinter(stage, agent, options);
  for (const line of lines) show(line);
  return 0;
}

/** Has the agent log at debug level, for an hour unless it is told otherwise. */
async function logDebugLines(stage: Stage, agent: string | undefined, length = '1h'): Promise<void> {
  if (agent === undefined)
    throw usage(
      '--debug wants the name of an agent, whose lines it asks for',
      'daruma logs backup --debug --for 1h -f',
    );
  const { forMs } = argumentsOf('level', { for: length }, { clock: stage.clock, command: 'logs' });
  const { until } = await stage.ask('level', { agent, level: 'debug', forMs });
  const end = until === null ? '' : ` until ${fullTime(Date.parse(until), stage.clock)}`;
  stage.note(`${agent} logs from debug${end}        daruma level ${agent} info`);
}

/**
 * The lines of a job whose files are gone, out of its failed attempts. No lines may also mean a name that was mistyped, which
 * is refused. The agent cannot be checked while there is neither a host nor a store.
 */
async function keptLines(
  stage: Stage,
  agent: string | undefined,
  job: string | undefined,
  wanted: Wanted,
): Promise<LogLine[]> {
  let kept: LogLine[] = [];
  try {
    if (job !== undefined) kept = keptLinesOf((await stage.askAnyway('job', { id: job })).value);
    if (agent !== undefined && kept.length === 0) await expectAgent(stage, agent);
  } catch (thrown) {
    if (!isHostAway(thrown)) throw thrown;
  }
  const isNew = (line: LogLine) => Date.parse(line.time) >= wanted.since;
  return wanted.count === 0 ? [] : kept.filter((line) => isNew(line) && wanted.line(line)).slice(-wanted.count);
}

interface Wanted {
  line(line: LogLine): boolean;
  since: number;
  count: number;
  /** The lowest level that is shown. */
  level: LogLevel;
}

function filterOf(stage: Stage, agent: string | undefined, options: LogsOptions): Wanted {
  const terms = { clock: stage.clock, command: 'logs' };
  const { since: text, lines } = options;
  const since =
    text === undefined ? Number.NEGATIVE_INFINITY : timeOf(text, stage.clock, { option: '--since', ...terms });
  const fallback = text ? NEWEST.since : options.follow ? NEWEST.follow : NEWEST.plain;
  const count = lines === undefined ? fallback : numberOf(lines, BOUNDS.lines, '-n');
  const { level = 'debug' } = argumentsOf('follow', { ...options }, terms);
  const lowest = LOG_LEVELS.indexOf(level);
  const pattern = patternOf(options.grep);
  return {
    since,
    count,
    level,
    line(line) {
      if (agent !== undefined && line.agent !== agent) return false;
      if (options.job !== undefined && line.job !== options.job) return false;
      if (LOG_LEVELS.indexOf(line.level) < lowest) return false;
      return pattern === undefined || pattern.test(line.msg) || pattern.test(JSON.stringify(line));
    },
  };
}

function patternOf(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, 'i');
  } catch (thrown) {
    throw usage(`--grep: ${(thrown as Error).message}`, 'daruma logs --grep "timeout|refused"');
  }
}

/** Oldest first. */
function newest(stage: Stage, wanted: Wanted): LogLine[] {
  const lines: LogLine[] = [];
  if (wanted.count === 0) return lines;
  for (const line of linesBackwards(logFolderOf(stage.folder))) {
    // By the time of writing, which only grows; the agent's own clock may lag behind it.
    if (Date.parse(line.time) < wanted.since) break;
    if (wanted.line(line)) lines.push(line);
    if (lines.length >= wanted.count) break;
  }
  return lines.reverse();
}

function linePrinter(stage: Stage, agent: string | undefined, options: LogsOptions): (line: LogLine) => void {
  let before: number | undefined;
  return (line) => {
    if (stage.json) return stage.out(JSON.stringify(line));
    const shown = {
      agent: agent === undefined,
      job: options.job === undefined,
      ...given({ before }),
    };
    for (const text of logLines(line, stage, shown)) stage.out(text, true);
    before = logTime(line);
  };
}

/** Goes on until the reader leaves. A host that is not there (any more) is waited for. */
async function follow(stage: Stage, agent: string | undefined, options: LogsOptions, wanted: Wanted): Promise<number> {
  const tail = createTail(linePrinter(stage, agent, options));
  const args = { agent, job: options.job, level: wanted.level };
  let client = await stage.connect().catch(unlessAway);
  let from = wanted;
  for (;;) {
    await printSince(client, from);
    stage.note(stage.paintNote('dim', '──────── no host; waiting for it (Ctrl-C to leave) ────────'));
    client = await connectAgain(stage, Number.POSITIVE_INFINITY);
    stage.note(stage.paintNote('dim', '──────── the host is back ────────'));
    from = { ...wanted, since: tail.newest() ?? wanted.since, count: NEWEST.since };
  }

  /** Shows what is in the files, then what the host writes until it goes away. */
  async function printSince(on: ControlClient | undefined, since: Wanted): Promise<void> {
    let early: LogLine[] | undefined = [];
    const ended = on
      ?.ask('follow', args, (line) => {
        if (!wanted.line(line)) return;
        if (early) early.push(line);
        else tail.live(line);
      })
      .catch(unlessAway);
    // Once this is answered the host follows: a line is in the files that are read now, or comes, or both.
    await on?.ask('ping', {}).catch(unlessAway);
    for (const line of newest(stage, since)) tail.file(line);
    for (const line of early) tail.live(line);
    early = undefined;
    await ended;
  }
}

function unlessAway(thrown: unknown): undefined {
  if (!isHostAway(thrown)) throw thrown;
}

/** Shows each line once, though it may stand in a file and come from the host. */
function createTail(show: (line: LogLine) => void) {
  let newestTime = '';
  const atNewest = new Set<string>();
  const fromFiles = new Set<string>();
  const showNow = (line: LogLine, key: string) => {
    if (line.time !== newestTime) atNewest.clear();
    newestTime = line.time;
    atNewest.add(key);
    show(line);
  };
  return {
    /** A line of the files, of which those up to the newest have been shown. */
    file(line: LogLine) {
      const key = JSON.stringify(line);
      if (line.time < newestTime || (line.time === newestTime && atNewest.has(key))) return;
      fromFiles.add(key);
      showNow(line, key);
    },
    /** A line of the host. The time of the line is no proof that it is new: the clock may have been set back. */
    live(line: LogLine) {
      const key = JSON.stringify(line);
      if (!fromFiles.delete(key)) showNow(line, key);
    },
    newest: () => (newestTime === '' ? undefined : Date.parse(newestTime)),
  };
}
