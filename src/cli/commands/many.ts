import type { ManyView, Ops } from '../../control/protocol.ts';
import { batchWords } from '../../control/words/batch.ts';
import { usage } from '../../kernel/fault.ts';
import { argumentsOf } from '../options.ts';
import type { CommandResult, Stage, Words } from '../ports.ts';

/** Options of the commands that act on one job, or on all of an agent or a cause. */
interface ManyOptions {
  agent?: string;
  cause?: string;
  state?: string;
  since?: string;
  grep?: string;
  stale?: boolean;
  reason?: string;
  dryRun?: boolean;
  yes?: boolean;
}

type ManyOp = 'cancelMany' | 'replay' | 'drop';

interface ManyTerms<O extends ManyOp> {
  op: O;
  /** The words of the command: `dlq drop`. */
  command: string;
  /** The words for a plan: what would be done, and to which jobs. */
  would: string;
  jobs: string;
  /** The words for the result, behind the count of the jobs. */
  done(answer: ManyView): string;
}

/** Hundreds of thousands of jobs take their time; others have their turn in between. */
const WITHIN_MS = 600_000;

/**
 * Cancels unfinished jobs, running attempts included. All of an agent or a cause want `--yes`: otherwise the command only says
 * what it would do.
 */
export async function cancelCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  if (id !== undefined && isOneAlone(options)) {
    const job = await stage.ask('cancel', { id });
    return { json: job, lines: [`${stage.paint('green', '✓')} ${job.id} of ${job.agent} is ${job.state}`] };
  }
  const done = () => 'cancelled';
  return await many(stage, id, options, {
    op: 'cancelMany',
    command: 'cancel',
    would: 'would be cancelled',
    jobs: 'unfinished jobs',
    done,
  });
}

/** Puts a dead job back in the queue, or all of a cause or an agent. Many want `--yes`, as above. */
export async function replayCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  const done = ({ jobs }: ManyView) =>
    `in the queue again        daruma jobs ${jobs.length === 1 ? jobs[0] : ''}`.trimEnd();
  return await many(stage, id, options, {
    op: 'replay',
    command: 'replay',
    would: 'would run again',
    jobs: 'dead letters',
    done,
  });
}

/** Takes dead jobs out of the dead letters; they cannot be replayed after that. Many want `--yes`, as above. */
export async function dropCommand(stage: Stage, [id]: Words, options: ManyOptions): Promise<CommandResult> {
  const done = () => 'dropped';
  return await many(stage, id, options, {
    op: 'drop',
    command: 'dlq drop',
    would: 'would drop',
    jobs: 'dead letters',
    done,
  });
}

async function many<O extends ManyOp>(
  stage: Stage,
  id: string | undefined,
  options: ManyOptions,
  terms: ManyTerms<O>,
): Promise<CommandResult> {
  const { op, command } = terms;
  const hasGroup = GROUPS.some((name) => options[name] !== undefined);
  if (id === undefined ? !hasGroup : !isOneAlone(options)) {
    throw usage(
      `${command} wants the id of a job, or --agent, --cause, --since or --grep`,
      `daruma ${command} --agent <agent>`,
    );
  }
  const dryRun = options.dryRun === true || (id === undefined && !options.yes);
  const given = argumentsOf(op, { ...options }, { clock: stage.clock, command });
  const args = { ...given, ...(id === undefined ? {} : { id }), dryRun } as Ops[O]['args'];
  const answer: ManyView = await stage.ask(op, args, WITHIN_MS);
  if (dryRun || answer.count === 0) {
    const code = answer.count === 0 || !options.dryRun ? 1 : 0;
    return { json: answer, lines: planLines(stage, options, answer, terms), code };
  }
  const count = `${answer.count} ${answer.count === 1 ? 'job is' : 'jobs are'}`;
  const line = `${stage.paint('green', '✓')} ${count} ${terms.done(answer)}`;
  return { json: answer, lines: [line, ...batchLines(terms, answer)], code: 0 };
}

/** Options that name many jobs. */
const GROUPS = ['agent', 'cause', 'since', 'grep'] as const;

/** Whether no option names further jobs beside an id. */
function isOneAlone(options: ManyOptions): boolean {
  return options.state === undefined && GROUPS.every((name) => options[name] === undefined);
}

const ACTS = { cancelMany: 'cancel', replay: 'replay', drop: 'drop' } as const;

/** The result of a batch, where it is not simply all that was shown. */
function batchLines({ op }: { op: ManyOp }, { batch, count, stale = 0, gone = 0, failed = 0 }: ManyView): string[] {
  if (batch === undefined || stale + gone + failed === 0) return [];
  const words = batchWords({ act: ACTS[op], done: count, stale, gone, failed });
  return [`  ${words}        daruma batch show ${batch}`];
}

/** Lines that say what would be done, with the first ids, and the command that does it. */
function planLines(
  stage: Stage,
  options: ManyOptions,
  { count, jobs, stale = 0, batch, ...others }: ManyView,
  { would, jobs: none, command, op }: Pick<ManyTerms<ManyOp>, 'would' | 'jobs' | 'command' | 'op'>,
): string[] {
  if (batch !== undefined) return batchLines({ op }, { count, jobs, stale, batch, ...others });
  if (count === 0) return [`nothing ${would}: no such ${none}`];
  const shown = jobs.slice(0, 5).join(' ');
  const asked = [...GROUPS, 'state' as const].flatMap((name) =>
    options[name] ? [`--${name} ${quoted(options[name])}`] : [],
  );
  const flags = options.stale ? ['--stale'] : [];
  return [
    `${would}: ${count} ${count === 1 ? 'job' : 'jobs'} (${shown}${count > 5 ? ' …' : ''})`,
    ...(stale > 0 ? [`  ${stale} of them would be dropped as stale (--stale to include them)`] : []),
    `  ${options.dryRun ? '' : 'not done; '}${stage.paint('cyan', '→')} daruma ${command} ${[...asked, ...flags].join(' ')} --yes`,
  ];
}

/** A value as it is typed behind an option. */
function quoted(value: string): string {
  return /^[\w.,:@/+-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
